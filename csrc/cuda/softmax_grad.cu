// softmax_grad:     gx = y (gy - sum over r of gy y);  log_softmax_grad: gx = gy - exp(y) sum over r of gy
//
// All are (outer, n, inner), the axis in the middle, rows and columns as in softmax.cu. gx may be gy or y: a value is read before it is
// written by the same thread. Shared memory: 32 partial results. Defines: softmax.cuh, KG_LOG 0 or 1.
#include "softmax.cuh"

namespace kg {

struct Params {
  const T* x;  // y, the result of the forward kernel
  const T* g;
  T* y;  // gx
  int64_t outer, n, inner;
};

KG_DEVICE A gradient(A y, A g, A s) { return KG_LOG ? g - exponential(y) * s : y * (g - s); }

KG_KERNEL(grad_rows, Params, 256) {
  KG_SHARED(A, room, [32]);
  for (int64_t row = own_row(); row < p.outer; row += row_step()) {
    const int64_t base = row * p.n;
    A s = 0;
    for (int64_t i = own_lane(); i < p.n; i += kLanes)
      s += KG_LOG ? widen(p.g[base + i]) : widen(p.g[base + i]) * widen(p.x[base + i]);
    s = join_lanes(s, room, SumJoin());
    for (int64_t i = own_lane(); i < p.n; i += kLanes)
      p.y[base + i] = narrow<T>(gradient(widen(p.x[base + i]), widen(p.g[base + i]), s));
  }
}

KG_KERNEL(grad_columns, Params, 256) {
  for (int64_t column = global_index(); column < p.outer * p.inner; column += global_size()) {
    const int64_t base = column / p.inner * p.n * p.inner + column % p.inner;
    A s = 0;
    for (int64_t r = 0; r < p.n; ++r) {
      const int64_t i = base + r * p.inner;
      s += KG_LOG ? widen(p.g[i]) : widen(p.g[i]) * widen(p.x[i]);
    }
    for (int64_t r = 0; r < p.n; ++r) {
      const int64_t i = base + r * p.inner;
      p.y[i] = narrow<T>(gradient(widen(p.x[i]), widen(p.g[i]), s));
    }
  }
}

}  // namespace kg
