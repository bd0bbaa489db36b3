// Runs a convolution's products, one a group, in the way that suits its sizes.
#pragma once
#include "conv_line_product.h"
#include "conv_rows.h"
#include "conv_winograd.h"

namespace KG_NS {

// Whether the result goes past the cache (stream.h): it is large, and its sums are long enough to wait for what memory does.
template <class T, class S> bool writes_past_cache(const ConvProduct<T, S>& x) {
  if constexpr (!std::is_same<T, S>::value) return false;
  int64_t size = x.source.batch * x.out_pitch;
  for (const Axis& a : x.source.axis) size *= a.out_size;
  const bool whole = x.out_channel % Simd<S>::L == 0 && x.n % Simd<S>::L == 0;
  return whole && x.source.columns() >= 64 && streams(x.out, size, x.out_pitch);
}

// `group(g)` makes the product of the g-th group.
template <class T, class S, class F> void run_conv(int64_t groups, const F& make) {
  bool past_cache = false;
  auto group = [&](int64_t g) {
    ConvProduct<T, S> x = make(g);
    join_lines(x.source);
    x.past_cache = past_cache;
    return x;
  };
  const ConvProduct<T, S> one = group(0);
  const int64_t m = one.source.positions();
  if (m == 0 || one.n == 0) return;
  if constexpr (std::is_same<T, float>::value) {
    if (winograd_back_pays(one)) {
      for (int64_t g = 0; g < groups; ++g) run_winograd_back(group(g));
      return;
    }
    if (winograd_pays(one)) {
      for (int64_t g = 0; g < groups; ++g) run_winograd(group(g));
      return;
    }
  }
  const LinePlan lines = plan_line_product(one);
  const RowPlan rows = lines.usable ? RowPlan() : plan_rows(one);
  const int64_t chunk_n = lines.usable ? lines.chunk_n : rows.chunk_n;
  const int64_t total = lines.usable ? lines.shape.units : m, each = lines.usable ? lines.chunk_units : rows.chunk_m;
  past_cache = writes_past_cache(one);
  const int64_t across = ceil_div(one.n, chunk_n), down = ceil_div(total, each);
  const int64_t chunks = groups * across * down;
  Slots<S> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<S>::kMost), chunks)),
                 lines.usable ? lines.scratch() : rows.scratch());
  parallel_for(chunks, [&](int64_t chunk) {
    slots.with([&](S* scratch) {
      const ConvProduct<T, S> x = group(chunk / (across * down));
      const int64_t i = chunk / across % down * each, j = chunk % across * chunk_n;
      const int64_t i1 = min_of(i + each, total), j1 = min_of(j + chunk_n, one.n);
      if (lines.usable)
        LineChunk<T, S>(x, lines, scratch).run(i, i1, j, j1);
      else
        RowChunk<T, S>(x, rows, scratch).run(i, i1, j, j1);
      if (past_cache) end_stream();
    });
  });
}

}  // namespace KG_NS
