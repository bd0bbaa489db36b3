// Cross-entropies of logits x (rows, cols), fused with their softmax, and the gradients; csrc/cpu/cross_entropy*.cpp define them.
//
// dense_forward    loss[r] = sum over c of t[r][c] (log(sum(exp(x[r]))) - x[r][c]),  p = softmax(x)
// dense_backward   gx[r][c] = (p[r][c] sum(t[r]) - t[r][c]) g[r]
// sparse_forward   loss[r] = log(sum(exp(x[r]))) - x[r][label[r]];  an ignored label: loss 0, p 0;  one that is no class: NaN
// sparse_backward  gx[r][c] = (p[r][c] - [c = label[r]]) g[r];  0 where ignored
// count_bad        bad[0] = how many labels are no class and not ignored; one block
//
// A warp takes a row of up to 1024 classes (8 rows a block of 256 threads), a block a longer one. gx may be p.
// Shared memory: 32 partial results. Defines: KG_T a float dtype, KG_A float or double, KG_LANES 32 or 256.
#include "reduce_ops.cuh"

namespace kg {

typedef KG_T T;
typedef KG_A A;
constexpr int kLanes = KG_LANES;

struct Params {
  const T* x;           // logits, or p
  const void* targets;  // T, or labels
  const T* g;
  T* loss;
  T* y;  // p, or gx
  int32_t* bad;
  int64_t rows, cols, ignored;
  int32_t ignores, dtype;  // of the labels
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

// p = softmax(x) of a row; log(sum(exp(x))) = largest + rest.
struct LogSum {
  A largest, rest;
};
KG_DEVICE LogSum softmax_row(const T* x, T* y, int64_t n, A* room) {
  A m = lowest<A>(), s = 0;
  for (int64_t i = own_lane(); i < n; i += kLanes) m = MaxJoin()(widen(x[i]), m);
  m = join_lanes(m, room, MaxJoin());
  for (int64_t i = own_lane(); i < n; i += kLanes) s += exponential(widen(x[i]) - m);
  s = join_lanes(s, room, SumJoin());
  const A scale = A(1) / s;
  for (int64_t i = own_lane(); i < n; i += kLanes) y[i] = narrow<T>(exponential(widen(x[i]) - m) * scale);
  return {m, logarithm(s)};
}

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
