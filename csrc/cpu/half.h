// bfloat16 and float16: conversions from and to float, for single values, vectors of kLanes and spans.
//
// Rounding is to nearest, ties to even; NaN stays NaN (quiet), values above the range become infinity, and denormal
// float16 values are kept. All paths give the same bits.
#pragma once
#include "vec.h"

namespace KG_NS {

inline float bits_to_float(uint32_t u) {
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}
inline uint32_t float_to_bits(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  return u;
}

inline float to_float(float x) { return x; }
inline float to_float(bf16 x) { return bits_to_float(static_cast<uint32_t>(x.bits) << 16); }
inline bf16 to_bf16(float x) {
  const uint32_t u = float_to_bits(x);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((u >> 16) | 0x40u)};
  return {static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}

inline float to_float(f16 x) {
#if defined(__F16C__)
  return _cvtsh_ss(x.bits);
#else
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16;
  const uint32_t magnitude = x.bits & 0x7fffu;
  if (magnitude >= 0x7c00u)
    return bits_to_float(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13 | (magnitude > 0x7c00u ? 0x400000u : 0u));
  // Multiplying by 2^112 moves the exponent bias from 15 to 127 and normalises denormals, exactly.
  return bits_to_float(sign | float_to_bits(bits_to_float(magnitude << 13) * 0x1p112f));
#endif
}
inline f16 to_f16(float x) {
#if defined(__F16C__)
  return {static_cast<uint16_t>(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT))};
#else
  const uint32_t u = float_to_bits(x);
  const uint32_t sign = u >> 16 & 0x8000u;
  const uint32_t magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu))};
  if (magnitude >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};  // 65520 and above
  if (magnitude < 0x38800000u) {
    // Below 2^-14: adding 0.5 makes the float unit round to multiples of 2^-24, the spacing of denormals.
    const uint32_t rounded = float_to_bits(bits_to_float(magnitude) + 0.5f) - 0x3f000000u;
    return {static_cast<uint16_t>(sign | rounded)};
  }
  const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u;
  return {static_cast<uint16_t>(sign | rounded >> 13)};
#endif
}

template <class T> inline T from_float(float x);
template <> inline float from_float<float>(float x) { return x; }
template <> inline bf16 from_float<bf16>(float x) { return to_bf16(x); }
template <> inline f16 from_float<f16>(float x) { return to_f16(x); }

// Vectors: vload(p) and vstore(p, v) for kLanes elements, vload_n and vstore_n for the first n of them.
typedef uint16_t vhalf_bits __attribute__((vector_size(kVecBytes / 2)));

inline vf vload(const bf16* p) {
  const vu wide = __builtin_convertvector(load<vhalf_bits>(p), vu);
  return (vf)(wide << 16);
}
inline void vstore(bf16* p, vf v) {
  const vu u = (vu)v;
  const vu rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const vu nan = (u >> 16) | 0x40u;
  store(p, __builtin_convertvector((u & 0x7fffffffu) > 0x7f800000u ? nan : rounded, vhalf_bits));
}
inline vf vload(const f16* p) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  vf v;
  for (int k = 0; k < kLanes; ++k) v[k] = to_float(p[k]);
  return v;
#endif
}
inline void vstore(f16* p, vf v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtps_ph(0xffff, v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
#else
  for (int k = 0; k < kLanes; ++k) p[k] = to_f16(v[k]);
#endif
}
template <class H> inline vf vload_n(const H* p, int64_t n) {
  H whole[kLanes] = {};
  std::memcpy(whole, p, static_cast<size_t>(n) * sizeof(H));
  return vload(whole);
}
template <class H> inline void vstore_n(H* p, vf v, int64_t n) {
  H whole[kLanes];
  vstore(whole, v);
  std::memcpy(p, whole, static_cast<size_t>(n) * sizeof(H));
}

// Spans of n elements; x and y do not overlap.
template <class T> inline void to_float(const T* x, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) vstore(y + i, vload(x + i));
  if (i < n) vstore_n(y + i, vload_n(x + i, n - i), n - i);
}
template <class T> inline void from_float(const float* x, T* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) vstore(y + i, vload(x + i));
  if (i < n) vstore_n(y + i, vload_n(x + i, n - i), n - i);
}

}  // namespace KG_NS
