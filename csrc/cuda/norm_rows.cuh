// What layer_norm and layer_norm_grad share: their parameters, and which row a thread has.
//
// A warp takes a row of up to 1024 elements (8 rows a block of 256 threads), a block a longer one; a row is read from memory once and
// then from the first-level cache. Defines: KG_T a float dtype, KG_LANES threads of a row, 32 or 256.
#pragma once
#include "block.cuh"

namespace kg {

typedef KG_T T;
typedef compute<T> A;
constexpr int kLanes = KG_LANES;

struct Params {
  const T *x, *g;
  const A *gamma, *beta, *saved_in;
  T* y;
  A *saved, *dgamma, *dbeta, *partial;
  int64_t rows, n, chunk, chunks;
  double epsilon;
  int32_t centered;
};

KG_DEVICE float root(float x) { return ::sqrtf(x); }
KG_DEVICE double root(double x) { return ::sqrt(x); }
KG_DEVICE float multiply_add(float a, float b, float c) { return ::fmaf(a, b, c); }
KG_DEVICE double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }

KG_DEVICE A join_lanes(A x, A* room) {
  if constexpr (kLanes == 32)
    return join_warp(x, SumJoin());
  else
    return join_block(x, room, SumJoin());
}
KG_DEVICE int64_t own_row() { return kLanes == 32 ? (int64_t)blockIdx.x * 8 + warp_index() : (int64_t)blockIdx.x; }
KG_DEVICE int own_lane() { return kLanes == 32 ? lane_index() : thread_index(); }

}  // namespace kg
