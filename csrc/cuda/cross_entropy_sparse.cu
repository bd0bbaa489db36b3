// Cross-entropy with class numbers as targets, and the gradient; csrc/cpu/cross_entropy_sparse.cpp defines them.
//
// sparse_forward   loss[r] = log(sum(exp(x[r]))) - x[r][label[r]];  an ignored label: loss 0, p 0;  one that is no class: NaN
// sparse_backward  gx[r][c] = (p[r][c] - [c = label[r]]) g[r];  0 where ignored
// count_bad        bad[0] = how many labels are no class and not ignored; one block
//
// gx may be p. Blocks: cross_entropy.cuh. Shared memory: 32 partial results. Defines: softmax.cuh.
#include "cross_entropy.cuh"

namespace kg {

KG_KERNEL(sparse_forward, Params, 256) {
  KG_SHARED(A, room, [32]);
  for (int64_t row = own_row(); row < p.rows; row += row_step()) {
    // An unsigned label above 2^63 becomes negative: no class.
    const int64_t label = load_as<int64_t>(p.targets, p.dtype, row);
    const bool ignored = p.ignores && label == p.ignored, known = label >= 0 && label < p.cols;
    const T* x = p.x + row * p.cols;
    T* y = p.y + row * p.cols;
    if (ignored || !known) {  // the same for all threads of the row
      const T value = convert<T>(ignored ? 0.0f : not_a_number());
      for (int64_t i = own_lane(); i < p.cols; i += kLanes) y[i] = value;
      if (own_lane() == 0) p.loss[row] = value;
      continue;
    }
    const A target = widen(x[label]);
    const LogSum sum = softmax_row(x, y, p.cols, room);
    if (own_lane() == 0) p.loss[row] = narrow<T>((sum.largest - target) + sum.rest);
  }
}

KG_KERNEL(sparse_backward, Params, 256) {
  for (int64_t row = own_row(); row < p.rows; row += row_step()) {
    const int64_t label = load_as<int64_t>(p.targets, p.dtype, row);
    const bool ignored = p.ignores && label == p.ignored;
    const A scale = widen(p.g[row]);
    for (int64_t i = own_lane(); i < p.cols; i += kLanes) {
      const int64_t at = row * p.cols + i;
      const A own = widen(p.x[at]);
      p.y[at] = narrow<T>(ignored ? A(0) : (i == label ? own - A(1) : own) * scale);
    }
  }
}

KG_KERNEL(count_bad, Params, 256) {
  KG_SHARED(int64_t, counts, [32]);
  int64_t bad = 0;
  for (int64_t r = thread_index(); r < p.rows; r += 256) {
    const int64_t label = load_as<int64_t>(p.targets, p.dtype, r);
    bad += !(label >= 0 && label < p.cols) && !(p.ignores && label == p.ignored);
  }
  bad = join_block(bad, counts, SumJoin());
  if (thread_index() == 0) *p.bad = (int32_t)bad;
}

}  // namespace kg
