// SIMD vectors from the compiler's vector extensions: one source for AVX-512, AVX2, NEON and plain C++17.
//
// vf holds kLanes floats, vi the same number of int32; both support + - * / & | ^ comparisons and ?: as built in.
// Loads and stores are unaligned. Partial ones touch only the first `n` elements, so no kernel writes a scalar tail.
#pragma once
#include <cstdint>
#include <cstring>

#include "kernel.h"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace KG_NS {

#if defined(__AVX512F__)
constexpr int kVecBytes = 64;
#elif defined(__AVX2__)
constexpr int kVecBytes = 32;
#else
constexpr int kVecBytes = 16;
#endif
constexpr int kLanes = kVecBytes / 4;
constexpr int kLanes64 = kVecBytes / 8;

typedef float vf __attribute__((vector_size(kVecBytes)));
typedef int32_t vi __attribute__((vector_size(kVecBytes)));
typedef uint32_t vu __attribute__((vector_size(kVecBytes)));
typedef double vd __attribute__((vector_size(kVecBytes)));
typedef int64_t vl __attribute__((vector_size(kVecBytes)));

template <class V, class T> inline V load(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof(V));
  return v;
}
template <class V, class T> inline void store(T* p, V v) { std::memcpy(p, &v, sizeof(V)); }

inline vf vload(const float* p) { return load<vf>(p); }
inline void vstore(float* p, vf v) { store(p, v); }
inline vf vset(float x) { return x - vf{}; }  // broadcast; x - 0 keeps -0.0, NaN and infinities
inline vd vset64(double x) { return x - vd{}; }

// The first n (1..kLanes) floats; the other lanes are zero.
inline vf vload_n(const float* p, int64_t n) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#else
  vf v = {};
  std::memcpy(&v, p, static_cast<size_t>(n) * 4);
  return v;
#endif
}
inline void vstore_n(float* p, vf v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
#else
  std::memcpy(p, &v, static_cast<size_t>(n) * 4);
#endif
}

// a * b + c with one rounding where the instruction set has it.
inline vf fma(vf a, vf b, vf c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}
inline vd fma(vd a, vd b, vd c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
  return vfmaq_f64(c, a, b);
#else
  return a * b + c;
#endif
}

inline vf vmax(vf a, vf b) { return a > b ? a : b; }  // b where either is NaN
inline vf vmin(vf a, vf b) { return a < b ? a : b; }
inline vf vabs(vf a) { return (vf)((vi)a & 0x7fffffff); }

inline float hsum(vf v) {  // pairwise, the same order on every run
  float lane[kLanes];
  vstore(lane, v);
  for (int w = kLanes / 2; w > 0; w /= 2)
    for (int k = 0; k < w; ++k) lane[k] += lane[k + w];
  return lane[0];
}
inline float hmax(vf v) {
  float lane[kLanes];
  vstore(lane, v);
  for (int k = 1; k < kLanes; ++k) lane[0] = lane[k] > lane[0] ? lane[k] : lane[0];
  return lane[0];
}

}  // namespace KG_NS
