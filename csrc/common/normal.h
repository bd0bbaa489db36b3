// Normal deviates from random words, with logarithm, sine and cosine of our own: plain float arithmetic in a fixed order, no
// tables, no fused multiply-add. So every instruction set and device gives the same bits (nvcc and NVRTC need -fmad=false).
// No branches: compilers turn a loop over these functions into vector code.
#pragma once
#include "philox.h"

#if !defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include <cmath>
#include <cstring>
#endif

namespace KG_NS {

KG_FN int float_as_int(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_int(x);
#else
  int i;
  __builtin_memcpy(&i, &x, 4);
  return i;
#endif
}
KG_FN float int_as_float(int i) {
#if defined(__CUDA_ARCH__)
  return __int_as_float(i);
#else
  float x;
  __builtin_memcpy(&x, &i, 4);
  return x;
#endif
}
KG_FN float square_root(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return std::sqrt(x);
#endif
}

// log x for normal x > 0, within 2 units in the last place.
// x = 2^e m with m in [sqrt(1/2), sqrt 2); log m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172: five terms of the series.
KG_FN float log_positive(float x) {
  const int bits = float_as_int(x);
  const int e = (bits - 0x3f3504f3) >> 23;  // 0x3f3504f3 is sqrt(1/2)
  const float m = int_as_float(bits - e * (1 << 23));
  const float s = (m - 1.0f) / (m + 1.0f), z = s * s;
  const float series = 2.0f + z * (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9))));
  const float n = static_cast<float>(e);
  return n * 0.693359375f + (s * series - n * 2.12194440e-4f);  // log 2 in two parts: n times the first is exact
}

// sin and cos of 2 pi t for t in [0, 1), absolute error below 1e-7: quarter turns, then Taylor series on [-pi/4, pi/4].
KG_FN void sincos_turns(float t, float& sine, float& cosine) {
  const float quarters = t * 4.0f;
  const int q = static_cast<int>(quarters + 0.5f);
  const float a = (quarters - static_cast<float>(q)) * 1.57079632679f, z = a * a;
  const float s = a * (1.0f + z * (-1.0f / 6 + z * (1.0f / 120 + z * (-1.0f / 5040 + z * (1.0f / 362880)))));
  const float c = 1.0f + z * (-0.5f + z * (1.0f / 24 + z * (-1.0f / 720 + z * (1.0f / 40320 + z * (-1.0f / 3628800)))));
  const float sin_size = q & 1 ? c : s, cos_size = q & 1 ? s : c;
  sine = q & 2 ? -sin_size : sin_size;
  cosine = (q + 1) & 2 ? -cos_size : cos_size;
}

// Box and Muller (1958): two independent standard normal deviates from two words. Never beyond 5.8.
KG_FN void normal_pair(u32 a, u32 b, float& first, float& second) {
  const float u = static_cast<float>(static_cast<int>(a >> 8) + 1) * 0x1p-24f;  // (0, 1]
  const float radius = square_root(-2.0f * log_positive(u));
  float sine, cosine;
  sincos_turns(unit_float(b), sine, cosine);
  first = radius * cosine;
  second = radius * sine;
}

// A standard normal deviate given |z| < 2, by inverting the distribution function: z = x P(-log(1 - x^2)), where x is uniform in
// (-c, c), c = erf(sqrt 2). The form is that of Giles, "Approximating the erfinv function" (2012); the polynomial is a
// Chebyshev fit on just this range, absolute error 2e-7.
KG_FN float truncated_normal(u32 word) {
  const float v = static_cast<float>(2 * static_cast<int>(word >> 9) + 1) * 0x1p-23f - 1.0f;  // exact, in (-1, 1)
  const float x = v * 0.95449973f;
  const float w = -log_positive((1.0f - x) * (1.0f + x));
  float p = -4.98956467e-7f;
  p = p * w - 2.27079136e-6f;
  p = p * w + 7.75833760e-5f;
  p = p * w - 1.94942579e-4f;
  p = p * w - 3.29358503e-3f;
  p = p * w + 1.63305536e-2f;
  p = p * w + 0.328117192f;
  p = p * w + 1.25331414f;
  return x * p;
}

}  // namespace KG_NS
