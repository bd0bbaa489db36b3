// Shared by the cross-entropy kernels: their parameters, and logits to probabilities with the log-sum of each row.
//
// A warp takes a row of up to 1024 classes (8 rows a block of 256 threads), a block a longer one. Defines: softmax.cuh.
#pragma once
#include "softmax.cuh"

namespace kg {

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

}  // namespace kg
