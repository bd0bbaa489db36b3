// Runs a convolution's products, one a group, in the way that suits its sizes.
#pragma once
#include "conv_line_product.h"
#include "conv_rows.h"
#include "conv_winograd.h"

namespace KG_NS {

// `group(g)` makes the product of the g-th group.
template <class T, class S, class F> void run_conv(int64_t groups, const F& make) {
  auto group = [&](int64_t g) {
    ConvProduct<T, S> x = make(g);
    join_lines(x.source);
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
    });
  });
}

}  // namespace KG_NS
