// Shared by softmax, log-softmax, their gradients and the cross-entropies: which row a thread has, and joining what its threads found.
//
// A warp takes a short row (8 rows a block of 256 threads), a block a longer one.
// Defines: KG_T a float dtype, KG_A float or double, KG_LANES threads of a row: 32 or 256.
#pragma once
#include "reduce_ops.cuh"

namespace kg {

typedef KG_T T;
typedef KG_A A;
constexpr int kLanes = KG_LANES;

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

}  // namespace kg
