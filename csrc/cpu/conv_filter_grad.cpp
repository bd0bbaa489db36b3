// The gradient of a convolution with respect to its kernel:
// dw[t, c, f] = sum over images n and positions o of x[n, o * stride + t * dilation - before, c] dy[n, o, f].
//
// inputs: x (batch, size..., channels), dy (batch, count..., filters); output: dw (kernel..., channels / groups, filters), and
// optionally the sums of dy over all but its filters, with the bits that `reduce` gives.
// ints: see conv.h (bias and activation 0).
//
// The positions are cut into slices, a number that depends on the sizes only, and dw into blocks. A chunk sums one block over one
// slice, in order; the slices are added up in order afterwards. Scratch memory is a few copies of dw (at most kMostPartial elements,
// or one copy) and a fixed amount per thread: conv_filter.h.
#include "column_sums.h"
#include "conv_filter.h"
#include "conv_winograd.h"

namespace KG_NS {
namespace {

template <class T, class S> void run(const Call& call, const ConvCall& c) {
  const T* x = input<T>(call, 0, c.x_count);
  const T* dy = input<T>(call, 1, c.y_count);
  T* dw = output<T>(call, 0, c.w_count);
  if (call.n_out == 2) put_column_sums<T, S>(call, 1, c.filters > 0 ? c.y_count / c.filters : 0, c.filters);
  if (c.w_count == 0) return;
  auto source = [&](int64_t g) {
    Source<T> s = forward_source(c, x, g);
    join_lines(s);
    return s;
  };
  const int64_t n = c.width;
  const Source<T> first = source(0);
  if constexpr (std::is_same<T, float>::value) {
    if (winograd_gradient_pays(first, n)) {
      for (int64_t g = 0; g < c.groups; ++g) run_winograd_gradient(source(g), dy + g * n, c.filters, n, dw + g * n);
      return;
    }
  }
  const FilterPlan plan = plan_filter<S>(first, n, c.groups);
  const int64_t blocks = plan.blocks_down * plan.blocks_across * c.groups, chunks = blocks * plan.slices;
  const bool direct = std::is_same<T, S>::value && plan.slices == 1 && plan.items > 0;
  const Scratch partial(direct ? 0 : chunks * plan.sums * int64_t(sizeof(S)));
  auto sums_of = [&](int64_t block, int64_t slice) {
    return direct ? nullptr : partial.as<S>() + (block * plan.slices + slice) * plan.sums;
  };
  auto with_block = [&](int64_t block, auto body) {
    const int64_t group = block / (plan.blocks_down * plan.blocks_across);
    const Source<T> s = source(group);
    S* const to = direct ? reinterpret_cast<S*>(dw) + group * n : nullptr;
    body(FilterBlock<T, S>(s, plan, block / plan.blocks_across % plan.blocks_down, n, block % plan.blocks_across, to),
         group * n);
  };

  Slots<S> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<S>::kMost), chunks)), plan.a + plan.b);
  parallel_for(chunks, [&](int64_t chunk) {
    const int64_t block = chunk / plan.slices, slice = chunk % plan.slices;
    slots.with([&](S* scratch) {
      with_block(block, [&](const FilterBlock<T, S>& b, int64_t filter) {
        const int64_t item = slice * plan.slice;
        b.run(item, min_of(plan.items, item + plan.slice), dy + filter, c.filters, scratch, sums_of(block, slice));
      });
    });
  });
  if (direct) return;
  // Adds up the slices, a row of tiles at a time.
  parallel_range(blocks * plan.tiles, 1 + (1 << 14) / (plan.rows * plan.across * plan.slices), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t block = task / plan.tiles, i = task % plan.tiles;
      with_block(block, [&](const FilterBlock<T, S>& b, int64_t filter) {
        if (i >= b.tiles()) return;
        for (int64_t j = b.begin(); j < b.end(); j += b.width()) {
          const int64_t columns = min_of(b.width(), b.end() - j);
          for (int r = 0; r < b.rows(i); ++r) {
            const S* sum = sums_of(block, 0) + b.at(i, j) + r * b.width();
            T* to = dw + (b.row(i) + r) * c.filters + filter + j;
            for (int64_t q = 0; q < columns; ++q) {
              S total = sum[q];
              for (int64_t s = 1; s < plan.slices; ++s) total += sum[s * plan.sums + q];
              if constexpr (std::is_same<T, S>::value)
                to[q] = total;
              else
                to[q] = from_float<T>(total);
            }
          }
        }
      });
    }
  });
}

}  // namespace

void conv_filter_grad(const Call& call) {
  const ConvCall c = read_conv(call, 1, call.n_out == 2 ? 2 : 1);
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

KG_REGISTER(conv_filter_grad, ConvInts::names);
