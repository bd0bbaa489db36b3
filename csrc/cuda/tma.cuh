// Hopper's copies of whole boxes of an array to shared memory, and the barriers in shared memory that say when they have arrived
// (sm_90). Part of what dev.cuh offers; under g++ it is tests/cuda_shim/shim_tma.h.
//
//   TensorMap                         an array's address, sizes and strides, the box, and how it is swizzled; made by the driver
//   barrier_init(b, count)            before its first use: by one thread, then fence_async() and a block barrier
//   barrier_expect(b, bytes)          one arrival, and so many bytes will be copied in this phase
//   barrier_arrive(b, really)         by a whole warp: one arrival if `really`; what it has read may be overwritten by whoever waits
//   barrier_wait(b, phase)            until phase (0, 1, 0, ...) has ended: `count` arrivals and all bytes; phase 1 of a new one has
//   copy_box(to, map, x, y, z, b)     starts the copy of the box at (z, y, x); beyond the array it is zeros
//   fewer_registers<n>(), more_registers<n>()   moves registers between warpgroups: each in its branch of one if
#pragma once
#include "numeric.cuh"

#ifdef __CUDACC_RTC__

namespace kg {

struct alignas(64) TensorMap {
  uint64_t words[16];
};

KG_DEVICE void barrier_init(uint64_t* b, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(b)), "r"(count) : "memory");
}
KG_DEVICE void barrier_expect(uint64_t* b, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(b)), "r"(bytes) : "memory");
}
KG_DEVICE void barrier_arrive(uint64_t* b,
                              bool really) {  // no branch on the lane: a loop that is split by it would order its products
  asm volatile(
      "{\n.reg .pred p, q;\nsetp.ne.b32 q, %1, 0;\nelect.sync _|p, 0xffffffff;\nand.pred p, p, q;\n"
      "@p mbarrier.arrive.shared::cta.b64 _, [%0];\n}" ::"r"(shared_address(b)),
      "r"((int)really)
      : "memory");
}
KG_DEVICE void barrier_wait(uint64_t* b,
                            uint32_t phase) {  // a loop that the compiler does not see: it would order products around it
  asm volatile(
      "{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@p bra done;\nbra again;\ndone:\n}" ::
          "r"(shared_address(b)),
      "r"(phase)
      : "memory");
}
KG_DEVICE void copy_box(void* to, const TensorMap& map, int x, int y, int z, uint64_t* b) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(
          shared_address(to)),
      "l"((uint64_t)&map), "r"(x), "r"(y), "r"(z), "r"(shared_address(b))
      : "memory");
}
template <int n> KG_DEVICE void fewer_registers() { asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(n)); }
template <int n> KG_DEVICE void more_registers() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(n)); }

}  // namespace kg

#else

#include "shim_tma.h"

#endif
