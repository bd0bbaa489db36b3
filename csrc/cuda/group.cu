// Several small launches as one: a block does their work, one after the other.
//
// generated.cuh, written by kerasgpu/kernels/gpu/graph/group_source.py: each member's source in a namespace of its own, in which KG_KERNEL makes
// a function; struct GroupParams, the parameters of all; members(p), which calls them, with a barrier where one uses what another wrote.
// Global memory that a thread wrote before a barrier is seen by the block's threads after it, because no source reads global memory
// in a way that assumes it constant.
//
// Grid: one block of KG_THREADS threads. Shared memory: what the members use.
#include "elementwise_ops.cuh"
#include "reduce_ops.cuh"
// clang-format off: after those that name the namespace
#include "../common/normal.h"
// clang-format on

#undef KG_KERNEL
#define KG_KERNEL KG_MEMBER
#include "generated.cuh"
#undef KG_KERNEL
#define KG_KERNEL(name, Params, threads) KG_START(name, Params, threads)

namespace kg {

KG_KERNEL(group, GroupParams, KG_THREADS) { members(p); }

}  // namespace kg
