// Cross-entropy of logits x (rows, cols), fused with their softmax, and the gradient; csrc/cpu/cross_entropy.cpp defines them.
//
// dense_forward    loss[r] = sum over c of t[r][c] (log(sum(exp(x[r]))) - x[r][c]),  p = softmax(x)
// dense_backward   gx[r][c] = (p[r][c] sum(t[r]) - t[r][c]) g[r]
//
// gx may be p. Blocks: cross_entropy.cuh. Shared memory: 32 partial results. Defines: softmax.cuh.
#include "cross_entropy.cuh"

namespace kg {

KG_KERNEL(dense_forward, Params, 256) {
  KG_SHARED(A, room, [32]);
  for (int64_t row = own_row(); row < p.rows; row += row_step()) {
    const T *x = p.x + row * p.cols, *t = static_cast<const T*>(p.targets) + row * p.cols;
    const LogSum sum = softmax_row(x, p.y + row * p.cols, p.cols, room);
    A total = 0;
    for (int64_t i = own_lane(); i < p.cols; i += kLanes) {
      const A weight = widen(t[i]);
      if (weight != 0) total += weight * ((sum.largest - widen(x[i])) + sum.rest);
    }
    total = join_lanes(total, room, SumJoin());
    // NaN logits must show even where every target is 0.
    if (own_lane() == 0) p.loss[row] = narrow<T>(sum.rest == sum.rest ? total : sum.rest);
  }
}

KG_KERNEL(dense_backward, Params, 256) {
  KG_SHARED(A, room, [32]);
  for (int64_t row = own_row(); row < p.rows; row += row_step()) {
    const T* t = static_cast<const T*>(p.targets) + row * p.cols;
    A total = 0;
    for (int64_t i = own_lane(); i < p.cols; i += kLanes) total += widen(t[i]);
    total = join_lanes(total, room, SumJoin());
    const A scale = widen(p.g[row]);
    for (int64_t i = own_lane(); i < p.cols; i += kLanes)
      p.y[row * p.cols + i] = narrow<T>((widen(p.x[row * p.cols + i]) * total - widen(t[i])) * scale);
  }
}

}  // namespace kg
