// elementwise, a chain of instructions compiled as one function: values between instructions stay in registers.
//
// Shapes: as in elementwise.cu. Each thread takes VECTOR neighbouring elements at once where all operands allow it (contiguous, or
// broadcast with a last dimension that VECTOR divides), so that a warp moves whole 128-byte lines.
// Grid: 256 threads a block with a stride of the whole grid. No shared memory.
// generated.cuh, written by kerasgpu/kernels/gpu/plans/elementwise.py: T, INDEX, VECTOR; struct Params with `size`;
// template <int V> chain(p, i), which computes elements i .. i + V - 1.
#ifdef KG_INTEGER
#include "elementwise_int.cuh"
#else
#include "elementwise_ops.cuh"
#endif

namespace kg {

#include "generated.cuh"

KG_KERNEL(chain_kernel, Params, 256) {
  const INDEX packs = (INDEX)(p.size / VECTOR);
  for (INDEX i = (INDEX)global_index(); i < packs; i += (INDEX)global_size()) chain<VECTOR>(p, i * VECTOR);
  if (VECTOR > 1)
    for (INDEX i = packs * VECTOR + (INDEX)global_index(); i < (INDEX)p.size; i += (INDEX)global_size()) chain<1>(p, i);
}

}  // namespace kg
