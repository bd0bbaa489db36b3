// Hopper's products (sm_90a): a warpgroup, four warps that begin at a multiple of four, multiplies panels that lie in shared memory, while
// its threads go on. Part of what dev.cuh offers, in a file of its own since only products need it; under g++ it is
// tests/cuda_shim/shim_wgmma.h.
//
//   descriptor(panel, leading, stride)   where an operand lies: rows of 128 bytes, swizzled; leading, stride: bytes, see below
//   wgmma_fence()                        before the first product, and where ordinary code touched the sums
//   wgmma<T, wide_a, wide_b>(d, a, b)    starts D += A B of the operands with these descriptors, 32 bytes of k
//   wgmma_commit(), wgmma_wait<n>()      products so far are a group; all but the last n groups are finished
//   wgmma_keep(d)                        after the wait: the sums are read by ordinary code from here on
//   fence_async()                        what this thread wrote to shared memory is there for wgmma; before the barrier
//   store_shared(p, x)                   *p = x, for what wgmma will read
//
// Layouts (PTX ISA, "asynchronous warpgroup level matrix shared memory layout"), swizzle of 128 bytes: 16-byte chunk c of row r lies at
// c ^ (r % 8); eight rows, 1024 bytes that begin at a multiple of 1024, are repeated.
//   deep  rows are m or n, 128 bytes of k each; eight rows further: `stride` bytes. 32 bytes of k further: 32 bytes. No leading.
//   wide  (16-bit elements) rows are k, 64 elements of m or n each; eight k further: `stride`; 64 elements further: `leading`.
// The sums are a float[N / 8][4] a thread: with g = lane / 4, t = lane % 4 and w = warp % 4, d[j] = D[16w + g][8j + 2t], [..][8j + 2t + 1],
// D[16w + g + 8][8j + 2t], [..][8j + 2t + 1].
#pragma once
#include "numeric.cuh"

#ifdef __CUDACC_RTC__

namespace kg {

KG_DEVICE uint64_t descriptor(const void* panel, uint32_t leading, uint32_t stride) {
  return (uint64_t)((shared_address(panel) & 0x3ffff) >> 4) | (uint64_t)(leading >> 4) << 16 | (uint64_t)(stride >> 4) << 32 |
         (uint64_t)1 << 62;
}
KG_DEVICE void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
KG_DEVICE void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int n> KG_DEVICE void wgmma_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(n) : "memory"); }
template <int n8> KG_DEVICE void wgmma_keep(float (&d)[n8][4]) {
  KG_UNROLL
  for (int e = 0; e < 4 * n8; ++e) asm volatile("" : "+f"(d[e / 4][e % 4])::"memory");
}
KG_DEVICE void fence_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
template <class P> KG_DEVICE void store_shared(P* p, const P& x) { *p = x; }

// The registers of D by name, and as operands.
#define KG_D64                                                            \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15," \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define KG_D128                                                                     \
  KG_D64                                                                            \
  ","                                                                               \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47," \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define KG_D256                                                                                 \
  KG_D128                                                                                       \
  ","                                                                                           \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79,"             \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95,"             \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111," \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define KG_4(j) "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define KG_32(j) KG_4(j), KG_4(j + 1), KG_4(j + 2), KG_4(j + 3), KG_4(j + 4), KG_4(j + 5), KG_4(j + 6), KG_4(j + 7)
#define KG_SUMS64 KG_32(0)
#define KG_SUMS128 KG_32(0), KG_32(8)
#define KG_SUMS256 KG_32(0), KG_32(8), KG_32(16), KG_32(24)
// a, b: numbers of the operands behind D; `more`: whether 16-bit operands are wide.
#define KG_WGMMA(n, shape, types, a, b, one, more, ...)                                                                 \
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " one ", 0;\nwgmma.mma_async.sync.aligned.m64n" #n shape ".f32." types \
               " {" KG_D##n "}, " a ", " b ", p, 1, 1" more ";\n}"                                                      \
               : KG_SUMS##n                                                                                             \
               : "l"(x), "l"(y), "r"(1)__VA_ARGS__)

#define KG_WGMMA_OF(n, a, b, one, wide_1, wide_2)                                                              \
  if constexpr (is_same<T, bf16>)                                                                              \
    KG_WGMMA(n, "k16", "bf16.bf16", a, b, one, ", " wide_1 ", " wide_2, , "n"(int(wide_a)), "n"(int(wide_b))); \
  else if constexpr (is_same<T, f16>)                                                                          \
    KG_WGMMA(n, "k16", "f16.f16", a, b, one, ", " wide_1 ", " wide_2, , "n"(int(wide_a)), "n"(int(wide_b)));   \
  else                                                                                                         \
    KG_WGMMA(n, "k8", "tf32.tf32", a, b, one, "")

template <class T, bool wide_a, bool wide_b, int n8> KG_DEVICE void wgmma(float (&d)[n8][4], uint64_t x, uint64_t y) {
  static_assert(sizeof(T) == 2 || (!wide_a && !wide_b), "TF32 operands are deep");
  static_assert(n8 == 8 || n8 == 16 || n8 == 32, "a warpgroup has 64, 128 or 256 columns");
  if constexpr (n8 == 8) {
    KG_WGMMA_OF(64, "%32", "%33", "%34", "%35", "%36");
  } else if constexpr (n8 == 16) {
    KG_WGMMA_OF(128, "%64", "%65", "%66", "%67", "%68");
  } else {
    KG_WGMMA_OF(256, "%128", "%129", "%130", "%131", "%132");
  }
}

}  // namespace kg

#else

#include "shim_wgmma.h"

#endif
