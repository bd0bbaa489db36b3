// Conversions between float and the 16-bit floats. Rounding is to nearest, ties to even, on every instruction set;
// NaN stays NaN, values too large become infinity, and float16 keeps subnormals.
#pragma once
#include <cstring>

#include "vec.h"

namespace KG_NS {

inline float bits_to_float(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}
inline uint32_t float_to_bits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits;
}

inline float to_float(float x) { return x; }
inline float to_float(bf16 x) { return bits_to_float(uint32_t(x.bits) << 16); }
inline float to_float(f16 x) {
#if defined(__F16C__)
  return _cvtsh_ss(x.bits);
#else
  const uint32_t sign = uint32_t(x.bits & 0x8000) << 16;
  const uint32_t rest = x.bits & 0x7fff;
  if (rest >= 0x7c00) return bits_to_float(sign | 0x7f800000 | (rest & 0x3ff) << 13 | (rest > 0x7c00 ? 0x400000 : 0));
  if (rest >= 0x400) return bits_to_float(sign | ((rest << 13) + 0x38000000));
  const float magnitude = static_cast<float>(rest) * 0x1p-24f;  // subnormal or zero: exact
  return bits_to_float(sign | float_to_bits(magnitude));
#endif
}

template <class T> inline T from_float(float x);
template <> inline float from_float<float>(float x) { return x; }
template <> inline bf16 from_float<bf16>(float x) {
  const uint32_t bits = float_to_bits(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return {static_cast<uint16_t>(bits >> 16 | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
template <> inline f16 from_float<f16>(float x) {
#if defined(__F16C__)
  return {static_cast<uint16_t>(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT))};
#else
  const uint32_t bits = float_to_bits(x);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t rest = bits & 0x7fffffff;
  if (rest > 0x7f800000) return {static_cast<uint16_t>(sign | 0x7e00 | (rest >> 13 & 0x3ff))};
  if (rest >= 0x477ff000) return {static_cast<uint16_t>(sign | 0x7c00)};  // 65520 and up round to infinity
  if (rest < 0x38800000) {                                                 // below 2^-14: subnormal in units of 2^-24
    const float shifted = bits_to_float(rest) + 0.5f;                      // the addition rounds to the unit
    return {static_cast<uint16_t>(sign | (float_to_bits(shifted) - 0x3f000000))};
  }
  return {static_cast<uint16_t>(sign | ((rest - 0x38000000 + 0xfff + (rest >> 13 & 1)) >> 13))};
#endif
}

// A vector of floats from 16-bit storage and back; kLanes elements.
inline vf vload_float(const float* p) { return vload(p); }
inline void vstore_float(float* p, vf v) { vstore(p, v); }
// The zero-masking forms with a full mask are the plain instructions; GCC warns about the undefined operand of the others.
#if defined(__AVX512F__)
inline vf vload_float(const f16* p) { return _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
inline vf vload_float(const bf16* p) {
  const __m512i wide = _mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return (vf)((vu)wide << 16);
}
inline void vstore_float(f16* p, vf v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtps_ph(0xffff, v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#elif defined(__AVX2__)
inline vf vload_float(const f16* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
inline vf vload_float(const bf16* p) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
inline void vstore_float(f16* p, vf v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
#else
template <class T> inline vf vload_float(const T* p) {
  vf v;
  for (int l = 0; l < kLanes; ++l) v[l] = to_float(p[l]);
  return v;
}
template <class T> inline void vstore_float(T* p, vf v) {
  for (int l = 0; l < kLanes; ++l) p[l] = from_float<T>(v[l]);
}
#endif
#if defined(__AVX512F__) || defined(__AVX2__)
inline void vstore_float(bf16* p, vf v) {
  const vu bits = (vu)v;
  const vu rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  const vu quiet = bits >> 16 | 0x40;
  const vu out = (bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded;
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)out));
#else
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)out, (__m256i)out), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
#endif
}
#endif

}  // namespace KG_NS
