// softmax:          y = exp(x - m) / s,  m = max over r of x, s = sum over r of exp(x - m);  log_softmax: y = x - m - log(s)
// softmax_grad:     gx = y (gy - sum over r of gy y);  log_softmax_grad: gx = gy - exp(y) sum over r of gy
//
// All are (outer, n, inner), the axis in the middle. inner = 1: a warp takes a short row (8 rows a block of 256 threads), a block a
// longer one; a row is read from memory once and then from the first-level cache. inner > 1: a thread takes a column, so that
// neighbouring threads read neighbouring elements. gx may be gy or y: a value is read before it is written by the same thread.
// A row that is all -infinity, or that holds a NaN or +infinity, gives NaN, as exp(x - m) does.
// Shared memory: 32 partial results. Defines: KG_T a float dtype, KG_A float or double, KG_LOG 0 or 1, KG_LANES threads of a row: 32
// or 256.
#include "reduce_ops.cuh"

namespace kg {

typedef KG_T T;
typedef KG_A A;
constexpr int kLanes = KG_LANES;

struct Params {
  const T* x;  // or y, the result of the forward kernel
  const T* g;
  T* y;
  int64_t outer, n, inner;
};

template <class Join> KG_DEVICE A join_lanes(A x, A* room, const Join& join) {
  if constexpr (kLanes == 32)
    return join_warp(x, join);
  else
    return join_block(x, room, join);
}

// A warp's or a block's first row, and how far it is to the next.
KG_DEVICE int64_t own_row() { return kLanes == 32 ? first_row() : (int64_t)blockIdx.x; }
KG_DEVICE int64_t row_step() { return kLanes == 32 ? all_rows() : (int64_t)gridDim.x; }
KG_DEVICE int own_lane() { return kLanes == 32 ? lane_index() : thread_index(); }

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
