// depthwise_filter_grad: gk[t, c] = sum over n, o of gy[n, o, c] x[n, o stride + t dilation - before, c].
//
// inputs x (batch, d0, d1, d2, channels), gy (batch, *count, channels); output gk (taps, channels); ints batch, channels, the
// window. float32, float64, float16 and bfloat16; the halves are summed in float and rounded once. Elements outside x are skipped.
//
// Each row of gy is summed in registers and added to the sums of its chunk, a fixed group of rows and channels; the sums of the
// chunks are then added in order. So the result depends on the sizes alone, and its error grows with the root of the sizes.
#include "depthwise.h"

namespace KG_NS {
namespace {

#define KG_INLINE __attribute__((always_inline))

// One row of gy, and the lines of x that it meets at taps (., y) for y in a run of taps.
template <class T> struct GradRow {
  const T *g, *x;  // column 0
  int64_t line;    // from one line of x to the next
  int64_t channels, g_width, x_width;
};

// Sums of N lines of K taps for the channels at c, in registers: sum[n][t] += g[o] x_n[o S - before + t].
template <int K, int S, int N>
KG_INLINE inline void sum_block(const GradRow<float>& r, int64_t before, int64_t c, vf (&sum)[N][K]) {
  const auto block = [&](int64_t o, auto columns, auto guard) KG_INLINE {
    constexpr int W = decltype(columns)::value;
    const int64_t first = o * S - before;
    vf g[W];
    unrolled<W>([&](auto j) KG_INLINE { g[j] = vload(r.g + (o + j) * r.channels + c); });
    unrolled<N>([&](auto n) KG_INLINE {
      const float* line = r.x + n * r.line + first * r.channels + c;
      unrolled<(W - 1) * S + K>([&](auto i) KG_INLINE {
        constexpr int I = decltype(i)::value;
        if (decltype(guard)::value && (first + I < 0 || first + I >= r.x_width)) return;
        const vf x = in_register(vload(line + I * r.channels));
        unrolled<K>([&](auto t) KG_INLINE {
          constexpr int J = I - decltype(t)::value;
          if constexpr (J >= 0 && J % S == 0 && J / S < W) sum[n][t] = fma(x, g[J / S], sum[n][t]);
        });
      });
    });
  };
  using std::integral_constant;
  constexpr int W = 4;
  int64_t o = 0;
  for (; o + W <= r.g_width; o += W) {
    const int64_t first = o * S - before;
    if (first < 0 || first + (W - 1) * S + K > r.x_width)
      block(o, integral_constant<int, W>{}, integral_constant<bool, true>{});
    else
      block(o, integral_constant<int, W>{}, integral_constant<bool, false>{});
  }
  for (; o < r.g_width; ++o) block(o, integral_constant<int, 1>{}, integral_constant<bool, true>{});
}

// sums: (lines, K, padded channels), the vector at c stored at c - c_begin rounded up to vectors.
template <int K, int S, int N>
void add_lines(const GradRow<float>& r, int64_t before, int64_t c_begin, int64_t c_end, float* sums, int64_t padded) {
  float* to = sums;
  each_vector<kLanes>(c_begin, c_end, [&](int64_t c) KG_INLINE {
    vf sum[N][K] = {};
    sum_block<K, S, N>(r, before, c, sum);
    for (int n = 0; n < N; ++n)
      for (int t = 0; t < K; ++t) vstore(to + (n * K + t) * padded, vload(to + (n * K + t) * padded) + sum[n][t]);
    to += kLanes;
  });
}

template <int K, int S>
void add_all_lines(GradRow<float> r, int64_t lines, int64_t before, int64_t c_begin, int64_t c_end, float* sums,
                   int64_t padded) {
  for (; lines >= 3; lines -= 3, r.x += 3 * r.line, sums += 3 * K * padded)
    add_lines<K, S, 3>(r, before, c_begin, c_end, sums, padded);
  if (lines == 2) add_lines<K, S, 2>(r, before, c_begin, c_end, sums, padded);
  if (lines == 1) add_lines<K, S, 1>(r, before, c_begin, c_end, sums, padded);
}

bool in_blocks(const Window& w, int64_t channels) {
  const int64_t k = w.kernel[2], s = w.stride[2];
  return w.dilation[2] == 1 && channels >= kLanes && (k == 3 || k == 5) && (s == 1 || s == 2);
}
bool add_block(const GradRow<float>& r, const Window& w, int64_t lines, int64_t c_begin, int64_t c_end, float* sums,
               int64_t padded) {
  if (!in_blocks(w, c_end - c_begin)) return false;
  const auto add = w.kernel[2] == 3 ? (w.stride[2] == 1 ? add_all_lines<3, 1> : add_all_lines<3, 2>)
                                    : (w.stride[2] == 1 ? add_all_lines<5, 1> : add_all_lines<5, 2>);
  add(r, lines, w.before[2], c_begin, c_end, sums, padded);
  return true;
}

// Any window: tap by tap.
template <class T>
void add_taps(const GradRow<T>& r, const Window& w, int64_t lines, int64_t c_begin, int64_t c_end, typename Element<T>::A* sums,
              int64_t padded) {
  using E = Element<T>;
  using V = typename E::V;
  const auto dot = [&](const T* x, const T* g, int64_t step, int64_t count, int64_t n) {
    V a = {}, b = {};
    int64_t o = 0;
    for (; o + 2 <= count; o += 2) {
      a = fma(load_count(x + o * step, n), load_count(g + o * r.channels, n), a);
      b = fma(load_count(x + (o + 1) * step, n), load_count(g + (o + 1) * r.channels, n), b);
    }
    if (o < count) a = fma(load_count(x + o * step, n), load_count(g + o * r.channels, n), a);
    return a + b;
  };
  const int64_t stride = w.stride[2];
  for (int64_t n = 0; n < lines; ++n)
    for (int64_t t = 0; t < w.kernel[2]; ++t) {
      // Columns o of gy with 0 <= o stride + start < x_width.
      const int64_t start = t * w.dilation[2] - w.before[2];
      const int64_t first = ceil_div_positive(-start, stride);
      const int64_t end = min_of(ceil_div_positive(r.x_width - start, stride), r.g_width);
      if (first >= end) continue;
      const T* x = r.x + n * r.line + (first * stride + start) * r.channels;
      const T* g = r.g + first * r.channels;
      typename E::A* to = sums + (n * w.kernel[2] + t) * padded;
      int64_t c = c_begin;
      for (; c + E::kN <= c_end; c += E::kN, to += E::kN) {
        const V sum = dot(x + c, g + c, stride * r.channels, end - first, E::kN);
        store(to, load<V>(to) + sum);
      }
      if (c < c_end) store(to, load<V>(to) + dot(x + c, g + c, stride * r.channels, end - first, c_end - c));
    }
}

// Chunks: `parts` runs of `part` channels times `groups` groups of `group` rows of gy.
struct Chunks {
  int64_t parts, part, padded, groups, group;
  Chunks(const Depthwise& d, int64_t rows) {
    constexpr int64_t kPart = 256, kGroups = 16;
    parts = d.channels < 2 * kPart ? 1 : d.channels / kPart;
    part = round_up(ceil_div(d.channels, parts), kLanes);
    parts = d.channels < part ? 1 : d.channels / part;
    const int64_t last = d.channels - (parts - 1) * part;
    padded = round_up(last > part ? last : part, 16);
    if (padded % 256 == 0) padded += 16;  // or the sums of all taps would compete for the same lines of the cache
    // Clearing and adding up a group's sums must be little beside making them.
    const int64_t most = d.batch * volume(d.w.count) / (8 * d.taps);
    groups = min_of(min_of(most < 1 ? 1 : most, kGroups), rows);
    group = ceil_div(rows, groups);
    groups = ceil_div(rows, group);
  }
};

// gk = the sums of all groups, in order.
template <class T> void add_groups(const Depthwise& d, const Chunks& chunks, typename Element<T>::A* all, T* gk) {
  using A = typename Element<T>::A;
  using V = typename Element<T>::V;
  constexpr int64_t L = Element<T>::kN;
  const int64_t size = d.taps * chunks.padded;
  parallel_range(d.taps, 4096 / (d.channels + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin * chunks.parts; task < end * chunks.parts; ++task) {
      const int64_t t = task / chunks.parts, p = task % chunks.parts, c_begin = p * chunks.part;
      const int64_t n = (p + 1 == chunks.parts ? d.channels : c_begin + chunks.part) - c_begin;
      A* total = all + p * size + t * chunks.padded;
      for (int64_t q = 1; q < chunks.groups; ++q) {
        const A* more = all + (q * chunks.parts + p) * size + t * chunks.padded;
        for (int64_t c = 0; c < n; c += L) store(total + c, load<V>(total + c) + load<V>(more + c));
      }
      // A last vector that overlaps the one before it begins with channels that were already written.
      const int64_t rest = n % L;
      const int64_t skip = rest > 0 && std::is_same<T, float>::value && in_blocks(d.w, n) ? L - rest : 0;
      T* to = gk + t * d.channels + c_begin;
      for (int64_t c = 0; c < n; ++c) to[c] = Element<T>::from_scalar(total[c < n - rest ? c : c + skip]);
    }
  });
}

template <class T> void run(const Depthwise& d, const T* x, const T* g, T* gk) {
  using A = typename Element<T>::A;
  const Window& w = d.w;
  const int64_t rows = d.batch * w.count[0] * w.count[1];
  const Chunks chunks(d, rows);
  const int64_t size = d.taps * chunks.padded;
  const Scratch scratch(chunks.groups * chunks.parts * size * int64_t(sizeof(A)));
  A* all = scratch.as<A>();
  parallel_for(chunks.groups * chunks.parts, [&](int64_t chunk) {
    const int64_t p = chunk % chunks.parts, from = chunk / chunks.parts * chunks.group;
    const int64_t c_begin = p * chunks.part, c_end = p + 1 == chunks.parts ? d.channels : c_begin + chunks.part;
    A* sums = all + chunk * size;
    std::memset(sums, 0, static_cast<size_t>(size) * sizeof(A));
    for (int64_t row = from; row < min_of(from + chunks.group, rows); ++row) {
      const RowIndex at = row_index(row, w.count);
      const Taps z = taps_of_output(w, 0, at.z), y = taps_of_output(w, 1, at.y);
      const int64_t line = w.size[2] * d.channels;
      GradRow<T> r{g + row * w.count[2] * d.channels, nullptr, y.at_step * line, d.channels, w.count[2], w.size[2]};
      for (int64_t k = 0; k < z.count; ++k) {
        r.x = x + ((at.n * w.size[0] + z.at + k * z.at_step) * w.size[1] + y.at) * line;
        A* to = sums + ((z.tap + k) * w.kernel[1] + y.tap) * w.kernel[2] * chunks.padded;
        if constexpr (std::is_same<T, float>::value)
          if (add_block(r, w, y.count, c_begin, c_end, to, chunks.padded)) continue;
        add_taps(r, w, y.count, c_begin, c_end, to, chunks.padded);
      }
    }
  });
  add_groups(d, chunks, all, gk);
}

}  // namespace

void depthwise_filter_grad(const Call& call) {
  expect(call, 2, 1, kDepthwiseInts, 0);
  const Depthwise d = read_depthwise(call);
  const bool known = for_float_dtype(call.out[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    const T *x = input<T>(call, 0, d.x_count), *g = input<T>(call, 1, d.y_count);
    T* gk = output<T>(call, 0, d.k_count);
    if (d.x_count == 0 || d.y_count == 0)
      std::memset(gk, 0, static_cast<size_t>(d.k_count) * sizeof(T));
    else
      run(d, x, g, gk);
  });
  if (!known) fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(depthwise_filter_grad, DepthwiseInts::names);
