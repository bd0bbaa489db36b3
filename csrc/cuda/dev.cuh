// What a kernel may use of the device, under one name on a GPU and on the CPU of the tests.
//
// The only file with #ifdef __CUDACC_RTC__: under NVRTC the wrappers below are CUDA built-ins and inline PTX; under g++ they come
// from tests/cuda_shim/shim.h, which runs every thread of a block as a fiber. No header of CUDA or of C++ is included, so a small
// kernel compiles in some 20 ms.
//
//   KG_KERNEL(name, Params, threads) { ... p.n ... }   an entry point; its only argument is the struct p, passed by value
//   KG_KERNEL_MANY(name, Params, threads, blocks)                        the same; a multiprocessor should hold `blocks` blocks
//   Both begin with begin_kernel(), which waits for the kernel before: never write an entry point without them.
//   KG_MEMBER(name, Params, threads)                   what group.cu makes of KG_KERNEL: a function of a larger kernel
//   KG_SHARED(T, name, [N]);                           static shared memory
//   KG_DYNAMIC_SHARED(name);                           unsigned char name[], of the size given at the launch
//   sync_block(), sync_warp()                          barriers: every thread of the block (warp) must come to the same one
//   shuffle_down(x, d), shuffle_xor(x, d), shuffle(x, lane), ballot(b)   across the whole warp
//   atomic_add, atomic_max, atomic_min, atomic_cas     on int, unsigned and unsigned long long
//   copy_async<bytes>(shared, global, valid), commit_async(), wait_async<n>()          cp.async, 4, 8 or 16 bytes
//   load_matrix(r, shared), load_matrix_transposed(r, shared)                          ldmatrix.x4 of 16-bit elements
//   mma_tf32(d, a, b), mma_f16(d, a, b), mma_bf16(d, a, b)                             m16n8k8 and m16n8k16, sums in float
//   half_bits(f), half_value(bits)                     float16 as 16 bits, rounded to nearest even
//
// Blocks have a multiple of 32 threads. Nothing may depend on the order in which threads, warps or blocks run.
#pragma once

#ifdef __CUDACC_RTC__

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;

#define KG_DEVICE __device__ __forceinline__
#define KG_DEVICE_CALL __device__ __noinline__  // for large functions that are rarely run
#define KG_CONSTANT __device__ const
#define KG_START(name, Params, threads) KG_ENTRY(name, Params, __launch_bounds__(threads))
#define KG_KERNEL_MANY(name, Params, threads, blocks) KG_ENTRY(name, Params, __launch_bounds__(threads, blocks))
#define KG_ENTRY(name, Params, bounds)                                       \
  KG_DEVICE void name##_body(const Params& p);                               \
  extern "C" __global__ bounds void name(const __grid_constant__ Params p) { \
    ::kg::begin_kernel();                                                    \
    name##_body(p);                                                          \
  }                                                                          \
  KG_DEVICE void name##_body(const Params& p)
#define KG_SHARED(T, name, dims) __shared__ T name dims
#define KG_DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]
#define KG_UNROLL _Pragma("unroll")
#define KG_LOOP _Pragma("unroll 1")  // stays a loop, which needs fewer registers

namespace kg {

// The first thing that every thread of every kernel does. In a graph whose edges are programmatic (kernels/gpu/driver/cuda_graph.py) the blocks of
// a kernel may be placed while the kernel before it still runs: this waits for its end and for its stores, and only then lets the next
// kernel come close. Nothing of global memory may be touched before it. Does nothing where a kernel is started in the ordinary way.
// KG_EAGER (KERASGPU_PDL=2): the next kernel may come even before the wait, so that several may be waiting in a row.
KG_DEVICE void begin_kernel() {
#if __CUDA_ARCH__ >= 900
#ifdef KG_EAGER
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

#define sync_block() __syncthreads()
#define sync_warp() __syncwarp()
template <class T> KG_DEVICE T shuffle_down(T x, int d) { return __shfl_down_sync(0xffffffffu, x, d); }
template <class T> KG_DEVICE T shuffle_up(T x, int d) { return __shfl_up_sync(0xffffffffu, x, d); }
template <class T> KG_DEVICE T shuffle_xor(T x, int d) { return __shfl_xor_sync(0xffffffffu, x, d); }
template <class T> KG_DEVICE T shuffle(T x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
KG_DEVICE unsigned ballot(bool b) { return __ballot_sync(0xffffffffu, b); }
KG_DEVICE int popcount(unsigned x) { return __popc(x); }
KG_DEVICE void fence_device() { __threadfence(); }

template <class T> KG_DEVICE T atomic_add(T* p, T x) { return atomicAdd(p, x); }
template <class T> KG_DEVICE T atomic_max(T* p, T x) { return atomicMax(p, x); }
template <class T> KG_DEVICE T atomic_min(T* p, T x) { return atomicMin(p, x); }
template <class T> KG_DEVICE T atomic_cas(T* p, T old, T x) { return atomicCAS(p, old, x); }

KG_DEVICE uint16_t half_bits(float x) {
  uint16_t h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
  return h;
}
KG_DEVICE float half_value(uint16_t h) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h));
  return x;
}
KG_DEVICE uint32_t float_bits(float x) { return __float_as_uint(x); }
KG_DEVICE float bits_float(uint32_t x) { return __uint_as_float(x); }
KG_DEVICE uint64_t double_bits(double x) { return (uint64_t)__double_as_longlong(x); }
KG_DEVICE double bits_double(uint64_t x) { return __longlong_as_double((long long)x); }

KG_DEVICE uint32_t shared_address(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }

// dst in shared memory gets `valid` bytes of src and zeros after them. Seen by this thread after wait_async, by others after a barrier.
template <int bytes> KG_DEVICE void copy_async(void* dst, const void* src, int valid) {
#if __CUDA_ARCH__ >= 800
  if (bytes == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(dst)), "l"(src), "r"(valid) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(dst)), "l"(src), "n"(bytes), "r"(valid)
                 : "memory");
  }
#else  // no asynchronous copies before sm_80
  unsigned char* d = (unsigned char*)dst;
  const unsigned char* s = (const unsigned char*)src;
  if (valid == bytes) {
    if (bytes == 16) *(uint4*)d = *(const uint4*)s;
    if (bytes == 8) *(uint2*)d = *(const uint2*)s;
    if (bytes == 4) *(uint32_t*)d = *(const uint32_t*)s;
  } else {
    for (int k = 0; k < bytes; ++k) d[k] = k < valid ? s[k] : 0;
  }
#endif
}
KG_DEVICE void commit_async() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// All but the last n committed groups of this thread have arrived.
template <int n> KG_DEVICE void wait_async() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#endif
}

// Four 8 x 8 matrices of 16-bit elements: lane 8 m + i gives the address of row i of matrix m; r[m] holds elements
// (lane / 4, 2 (lane % 4)) and the next one of matrix m, or of its transpose.
KG_DEVICE void load_matrix(uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row)));
}
KG_DEVICE void load_matrix_transposed(uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row)));
}

// Rounds to TF32 (10 bits of fraction), ties away from zero; the bits of a float.
KG_DEVICE uint32_t to_tf32(float x) {
#if __CUDA_ARCH__ >= 800
  uint32_t r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
#else
  return (float_bits(x) + 0x1000u) & 0xffffe000u;
#endif
}

// D += A B, A 16 x 8 (k), B 8 x 8. With g = lane / 4, t = lane % 4: a = A[g][t], A[g+8][t], A[g][t+4], A[g+8][t+4];
// b = B[t][g], B[t+4][g]; d = D[g][2t], D[g][2t+1], D[g+8][2t], D[g+8][2t+1].
KG_DEVICE void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  asm volatile("trap;");
#endif
}
// D += A B, A 16 x 16, B 16 x 8, two 16-bit elements a register: a = A[g][2t..], A[g+8][2t..], A[g][2t+8..], A[g+8][2t+8..];
// b = B[2t..][g], B[2t+8..][g]; d as above.
KG_DEVICE void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else  // sm_75 has m16n8k8 only: two of them
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(b[0]));
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[2]), "r"(a[3]), "r"(b[1]));
#endif
}
KG_DEVICE void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  asm volatile("trap;");
#endif
}

}  // namespace kg

#else  // g++, in tests

#include "shim.h"

#endif

// Common headers take these from here.
#define KG_NS kg

#define KG_KERNEL(name, Params, threads) KG_START(name, Params, threads)
#define KG_MEMBER(name, Params, threads) \
  typedef Params name##_params;          \
  KG_DEVICE void name##_member(const Params& p)

namespace kg {

// A block of threads as one line.
KG_DEVICE int thread_index() { return (int)threadIdx.x; }
KG_DEVICE int lane_index() { return (int)threadIdx.x & 31; }
KG_DEVICE int warp_index() { return (int)threadIdx.x >> 5; }
KG_DEVICE int64_t first_row() { return (int64_t)blockIdx.x * (blockDim.x >> 5) + warp_index(); }  // where each warp takes a row
KG_DEVICE int64_t all_rows() { return (int64_t)gridDim.x * (blockDim.x >> 5); }                   // that warps take at a time
KG_DEVICE int64_t global_index() { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }
KG_DEVICE int64_t global_size() { return (int64_t)gridDim.x * blockDim.x; }

// size elements of T moved as one access where the address allows it.
template <class T, int size> struct alignas(sizeof(T) * size) Pack {
  T at[size];
};

}  // namespace kg
