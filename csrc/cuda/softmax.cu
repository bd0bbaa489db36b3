// softmax:          y = exp(x - m) / s,  m = max over r of x, s = sum over r of exp(x - m);  log_softmax: y = x - m - log(s)
//
// x and y are (outer, n, inner), the axis in the middle. inner = 1: rows (softmax.cuh); a row is read from memory once and then from the
// first-level cache. inner > 1: a thread takes a column, so that neighbouring threads read neighbouring elements.
// A row that is all -infinity, or that holds a NaN or +infinity, gives NaN, as exp(x - m) does.
// Shared memory: 32 partial results. Defines: softmax.cuh, KG_LOG 0 or 1.
#include "softmax.cuh"

namespace kg {

struct Params {
  const T* x;
  T* y;
  int64_t outer, n, inner;
};

KG_KERNEL(softmax_rows, Params, 256) {
  KG_SHARED(A, room, [32]);
  for (int64_t row = own_row(); row < p.outer; row += row_step()) {
    const T* x = p.x + row * p.n;
    T* y = p.y + row * p.n;
    A m = lowest<A>(), s = 0;
    for (int64_t i = own_lane(); i < p.n; i += kLanes) m = MaxJoin()(widen(x[i]), m);
    m = join_lanes(m, room, MaxJoin());
    for (int64_t i = own_lane(); i < p.n; i += kLanes) s += exponential(widen(x[i]) - m);
    s = join_lanes(s, room, SumJoin());
    const A scale = KG_LOG ? logarithm(s) : A(1) / s;
    for (int64_t i = own_lane(); i < p.n; i += kLanes) {
      const A d = widen(x[i]) - m;
      y[i] = narrow<T>(KG_LOG ? d - scale : exponential(d) * scale);
    }
  }
}

KG_KERNEL(softmax_columns, Params, 256) {
  for (int64_t column = global_index(); column < p.outer * p.inner; column += global_size()) {
    const int64_t base = column / p.inner * p.n * p.inner + column % p.inner;
    A m = lowest<A>(), s = 0;
    for (int64_t r = 0; r < p.n; ++r) m = MaxJoin()(widen(p.x[base + r * p.inner]), m);
    for (int64_t r = 0; r < p.n; ++r) s += exponential(widen(p.x[base + r * p.inner]) - m);
    const A scale = KG_LOG ? logarithm(s) : A(1) / s;
    for (int64_t r = 0; r < p.n; ++r) {
      const A d = widen(p.x[base + r * p.inner]) - m;
      p.y[base + r * p.inner] = narrow<T>(KG_LOG ? d - scale : exponential(d) * scale);
    }
  }
}

}  // namespace kg
