// The gradient of a convolution with respect to its kernel:
// dw[t, c, f] = sum over images n and positions o of x[n, o * stride + t * dilation - before, c] dy[n, o, f].
//
// inputs: x (batch, size..., channels), dy (batch, count..., filters); output: dw (kernel..., channels / groups, filters).
// ints: see conv.h (bias and activation 0).
//
// The positions are cut into slices, a number that depends on the sizes only, and dw into blocks of rows (tap, channel) and columns.
// A chunk sums one block over one slice, in order; the slices are added up in order afterwards. The gathered windows and dy of a few
// positions at a time stay in cache: scratch memory is a few copies of dw and a fixed amount per thread.
#include "conv_product.h"

namespace KG_NS {
namespace {

constexpr int64_t kAtOnce = 128;     // positions gathered at a time
constexpr int64_t kBlockRows = 288;  // of dw
constexpr int64_t kBlockColumns = 128;
constexpr int64_t kLeastSlice = 4 * kAtOnce;  // positions
constexpr int64_t kMostPartial = 1 << 20;     // elements of all slices together, unless there is but one

struct FilterPlan {
  int rows, vectors;
  int64_t down, across;   // rows and columns of a block
  int64_t slice, slices;  // positions of a slice, and how many
  int64_t ld;             // of gathered rows
  int64_t a, b;           // elements of scratch per chunk
  int64_t sums;           // elements of one block's sums
  int64_t blocks_down, blocks_across;
};

template <class S> FilterPlan plan_filter(int64_t groups, int64_t m, int64_t k, int64_t n) {
  constexpr int L = Simd<S>::L;
  FilterPlan p;
  p.vectors = static_cast<int>(min_of(ceil_div(n, L), k <= kRows8 ? 8 : k <= kRows4 ? 4 : 2));
  const int64_t most = rows_for(p.vectors), width = int64_t(p.vectors) * L;
  p.rows = static_cast<int>(k <= most ? k : k < 8 * most ? ceil_div(k, ceil_div(k, most)) : most);
  const int64_t strips = ceil_div(k, p.rows), columns = ceil_div(n, width);
  p.blocks_down = ceil_div(k, kBlockRows), p.blocks_across = ceil_div(n, kBlockColumns);
  p.down = ceil_div(strips, p.blocks_down) * p.rows, p.across = ceil_div(columns, p.blocks_across) * width;
  p.blocks_down = ceil_div(k, p.down), p.blocks_across = ceil_div(n, p.across);
  // Enough chunks for many threads, each with enough to do.
  const double flops =
      2.0 * static_cast<double>(groups) * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n);
  const int64_t wanted = flops > 32 * kChunkFlops ? 32 : static_cast<int64_t>(flops / kChunkFlops);
  const int64_t total = groups * p.blocks_down * p.blocks_across * p.down * p.across;
  p.slices = ceil_div(wanted, groups * p.blocks_down * p.blocks_across);
  p.slices = min_of(p.slices, min_of(m / kLeastSlice, kMostPartial / total));
  if (p.slices < 1) p.slices = 1;
  p.slice = std::max(kAtOnce, round_up(ceil_div(m, p.slices), kAtOnce));
  p.slices = std::max<int64_t>(1, ceil_div(m, p.slice));
  p.ld = (p.down + 15) / 16 * 16 + 16;
  if (p.ld / 16 % 2 == 0) p.ld += 16;
  p.a = kAtOnce * p.ld + L, p.b = kAtOnce * p.across + L;
  p.sums = p.down * p.across;
  return p;
}

template <class T, class S> struct FilterGrad {
  static constexpr int L = Simd<S>::L;
  const Source<T>& x;
  const T* dy;
  int64_t filters, first_filter, n;
  const FilterPlan& plan;

  // Rows k0..k1 and columns j0..j1 of dw over positions m0..m1, tile after tile in `sums`.
  void run(int64_t m0, int64_t m1, int64_t k0, int64_t k1, int64_t j0, int64_t j1, S* scratch, S* sums) const {
    S* a = scratch;
    S* b = a + plan.a;
    Run runs[kMostRuns];
    const int64_t count = x.list_runs(k0, k1, runs);
    const int64_t width = int64_t(plan.vectors) * L;
    Position at(x, m0);
    for (int64_t m = m0; m < m1; m += kAtOnce) {
      const int64_t steps = min_of(kAtOnce, m1 - m);
      gather(x, runs, count, at, steps, a, plan.ld);
      for (int64_t s = 0; s < steps; ++s) at.next(x);
      for (int64_t j = j0; j < j1; j += width) {
        const int columns = static_cast<int>(min_of(width, j1 - j));
        pack_across<S>(dy + m * filters + first_filter + j, filters, columns, steps, b + (j - j0) * steps,
                       static_cast<int>(round_up(columns, L)));
      }
      for (int64_t k = k0; k < k1; k += plan.rows)
        for (int64_t j = j0; j < j1; j += width) {
          S* sum = sums + (k - k0) * plan.across + (j - j0) * plan.rows;
          const int64_t columns = min_of(width, j1 - j);
          const int vectors = static_cast<int>(ceil_div(columns, L));
          Tile<S> t;
          t.k = steps;
          t.a = a + (k - k0), t.a_row = 1, t.a_k = plan.ld;
          t.b = b + (j - j0) * steps, t.b_k = vectors * L;
          t.start = m == m0 ? nullptr : sum, t.start_row = width;
          t.c = sum, t.c_row = width;
          t.last = L;
          t.finish = nullptr;
          find_micro<S>(static_cast<int>(min_of(plan.rows, k1 - k)), vectors, true, false)(t);
        }
    }
  }
};

template <class T, class S> void run(const Call& call, const ConvCall& c) {
  const T* x = input<T>(call, 0, c.x_count);
  const T* dy = input<T>(call, 1, c.y_count);
  T* dw = output<T>(call, 0, c.w_count);
  if (c.w_count == 0) return;
  const Window& window = c.window;
  auto source = [&](int64_t g) {
    Source<T> s{x, c.batch, c.channels, g * c.depth, c.depth, {}};
    for (int a = 0; a < 3; ++a)
      s.axis[a] = {window.count[a],
                   window.stride[a],
                   window.kernel[a],
                   window.dilation[a],
                   -window.before[a],
                   window.size[a],
                   0,
                   1,
                   window.count[a],
                   0,
                   1};
    return s;
  };
  const int64_t m = source(0).positions(), k = source(0).columns(), n = c.width;
  const FilterPlan plan = plan_filter<S>(c.groups, m, k, n);
  const int64_t blocks = plan.blocks_down * plan.blocks_across * c.groups;
  const int64_t chunks = blocks * plan.slices;
  const Scratch partial(chunks * plan.sums * int64_t(sizeof(S)));
  Slots<S> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<S>::kMost), chunks)), plan.a + plan.b);
  auto sums_of = [&](int64_t block, int64_t slice) { return partial.as<S>() + (slice * blocks + block) * plan.sums; };
  // Block b: its group, first row and first column.
  auto corner = [&](int64_t b, int64_t& g, int64_t& k0, int64_t& j0) {
    j0 = b % plan.blocks_across * plan.across, b /= plan.blocks_across;
    k0 = b % plan.blocks_down * plan.down, g = b / plan.blocks_down;
  };
  parallel_for(chunks, [&](int64_t chunk) {
    slots.with([&](S* scratch) {
      const int64_t slice = chunk % plan.slices, block = chunk / plan.slices;
      int64_t g, k0, j0;
      corner(block, g, k0, j0);
      const Source<T> s = source(g);
      const FilterGrad<T, S> sum{s, dy, c.filters, g * c.width, n, plan};
      S* to = sums_of(block, slice);
      const int64_t m0 = slice * plan.slice, m1 = min_of(m, m0 + plan.slice);
      if (m0 >= m1) {
        std::memset(static_cast<void*>(to), 0, static_cast<size_t>(plan.sums) * sizeof(S));
        return;
      }
      sum.run(m0, m1, k0, min_of(k, k0 + plan.down), j0, min_of(n, j0 + plan.across), scratch, to);
    });
  });
  // Adds up the slices of a row of tiles and writes it to dw.
  const int64_t width = int64_t(plan.vectors) * Simd<S>::L, strips = plan.down / plan.rows;
  parallel_range(blocks * strips, 1 + (1 << 14) / (plan.rows * plan.across * plan.slices), [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip) {
      int64_t g, k0, j0;
      corner(strip / strips, g, k0, j0);
      k0 += strip % strips * plan.rows;
      for (int64_t r = 0; r < min_of(plan.rows, k - k0); ++r)
        for (int64_t j = j0; j < min_of(n, j0 + plan.across); j += width) {
          const int64_t columns = min_of(width, n - j);
          const int64_t at = (strip % strips * plan.across + (j - j0)) * plan.rows + r * width;
          T* to = dw + (k0 + r) * c.filters + g * c.width + j;
          for (int64_t q = 0; q < columns; ++q) {
            S total = sums_of(strip / strips, 0)[at + q];
            for (int64_t s = 1; s < plan.slices; ++s) total += sums_of(strip / strips, s)[at + q];
            if constexpr (std::is_same<T, S>::value)
              to[q] = total;
            else
              to[q] = from_float<T>(total);
          }
        }
    }
  });
}

}  // namespace

void conv_filter_grad(const Call& call) {
  const ConvCall c = read_conv(call);
  if (c.bias || c.relu) fail_message(call, "bias and activation must be 0");
  switch (call.out[0].dtype) {
    case kF32: return run<float, float>(call, c);
    case kF64: return run<double, double>(call, c);
    case kF16: return run<f16, float>(call, c);
    case kBF16: return run<bf16, float>(call, c);
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
  }
}

}  // namespace KG_NS

KG_REGISTER(conv_filter_grad);
