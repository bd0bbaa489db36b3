// Error function and its relatives, trigonometry and powers on vectors of floats.
//   verf      all floats  2 ulp   polynomials fitted to erf(x)/x below 0.92 and to -log(erfc(x)) above
//   verfc     all floats  5 ulp   exp(-x^2) erfcx(x), erfcx fitted in t = (x - 3) / (x + 3)
//   vgelu     all floats  5 ulp   for x > -5; relative error follows exp(-x^2 / 2) below
//   vsin, vcos all floats 2 ulp   argument reduced in double; beyond 1e6 by the C library
//   vtan      all floats  4 ulp   sin / cos
//   vpow      all floats  1 ulp   in double; signs, zeros and infinities as in C
// The fits are weighted least squares on 4000 Chebyshev nodes, reweighted towards the minimax error (Lawson 1961) of
// at most 0.04 ulp.
#pragma once
#include "vecmath.h"

namespace KG_NS {

// erf(x) = x + x q(x^2) on |x| < 0.92
inline vf erf_near(vf x) {
  constexpr float c[] = {8.18509355e-05f, -0.000809770349f, 0.0051969521f, -0.0268577051f,
                         0.11283664f,     -0.376126316f,    0.12837917f};
  return fma(x, horner(x * x, c), x);
}

inline vf verf(vf x) {
  constexpr float far[] = {2.08285276e-05f, -0.00043139258f, 0.00415625044f, -0.0250806055f,
                           0.108220368f,    0.633400864f,    1.1294884f,     -0.00016920392f};
  const vf a = vabs(x);
  const vf c = a > 4.0f ? vset(4.0f) : a;
  const vf large = 1.0f - vexp(-horner(c, far));
  return a < 0.92f ? erf_near(x) : vcopysign(large, x);
}

// x^2 = high + low exactly
inline vf square_low(vf x, vf high) {
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_NEON)
  return fma(x, x, -high);
#else
  const vf h = (vf)((vi)x & ~0xfff), l = x - h;
  return ((h * h - high) + 2.0f * h * l) + l * l;
#endif
}

// erfc(a) for a >= 0, given gauss = exp(-a^2)
inline vf erfc_tail(vf a, vf gauss) {
  constexpr float c[] = {-0.000267178653f, -0.000775116208f, 0.00200335269f, 0.00256655963f, -0.0237985389f, 0.0682957505f,
                         -0.119270795f,    0.129646434f,     -0.0475624097f, -0.13562114f,   1.25300806f};
  const vf t = (a - 3.0f) / (a + 3.0f);
  return gauss * (horner(t, c) / fma(a, vset(2.0f), vset(1.0f)));
}

inline vf verfc(vf x) {
  const vf a = vabs(x);
  const vf c = a > 10.2f ? vset(10.2f) : a;
  const vf high = c * c;
  const vf gauss = vexp(-high);
  const vf tail = erfc_tail(c, gauss - gauss * square_low(c, high));
  const vf y = x < 0.0f ? 2.0f - tail : tail;
  return a < 0.5f ? 1.0f - erf_near(x) : y;
}

// The standard normal distribution: cdf(x) and density(x) exp(-x^2/2) / sqrt(2 pi).
struct Normal {
  vf cdf, density;
};
inline Normal vnormal(vf x) {
  const vf a = vabs(x);
  const vf c = a > 14.5f ? vset(14.5f) : a;
  const vf high = c * c;
  vf gauss = vexp(high * -0.5f);
  gauss = gauss - gauss * (square_low(c, high) * 0.5f);
  const vf tail = 0.5f * erfc_tail(c * 0.707106781186547524f, gauss);
  return {x < 0.0f ? tail : 1.0f - tail, gauss * 0.398942280401432678f};
}

// x cdf(x) (Hendrycks and Gimpel 2016). Zero, not NaN, at -infinity.
inline vf vgelu(vf x) {
  const vf y = x * vnormal(x).cdf;
  return x == -kInf ? vf{} : y;
}
inline vf vgelu_grad(vf x) {
  const Normal n = vnormal(x);
  const vf c = vabs(x) > 14.5f ? vcopysign(vset(14.5f), x) : x;
  return fma(c, n.density, n.cdf);
}

typedef float vf_half __attribute__((vector_size(kVecBytes / 2)));
typedef int32_t vi_half __attribute__((vector_size(kVecBytes / 2)));

// kLanes values in double precision.
struct Wide {
  vd a, b;
};
inline Wide widen(vf x) {
  vf_half part[2];
  std::memcpy(part, &x, sizeof(x));
  return {__builtin_convertvector(part[0], vd), __builtin_convertvector(part[1], vd)};
}
inline vf narrow(Wide x) {
  const vf_half part[2] = {__builtin_convertvector(x.a, vf_half), __builtin_convertvector(x.b, vf_half)};
  vf y;
  std::memcpy(&y, part, sizeof(y));
  return y;
}
template <int N> inline vd horner(vd x, const double (&c)[N]) {
  vd y = vset64(c[0]);
  for (int k = 1; k < N; ++k) y = fma(y, x, vset64(c[k]));
  return y;
}

// x = n pi/2 + r for |x| <= 1e6: n pi/2 with the first 33 bits of pi/2 is exact in double.
struct Quadrant {
  vf r;
  vi n;
};
inline vd quadrant(vd x, vi_half& n) {
  const vd shifted = x * 0.63661977236758134308 + 6755399441055744.0;  // 1.5 * 2^52 rounds to an integer
  n = __builtin_convertvector((vl)shifted & 3, vi_half);
  const vd k = shifted - 6755399441055744.0;
  return (x - k * 1.57079632673412561417) - k * 6.07710050650619224932e-11;
}
inline Quadrant reduce_quadrant(vf x) {
  Wide w = widen(x);
  vi_half n[2];
  w.a = quadrant(w.a, n[0]);
  w.b = quadrant(w.b, n[1]);
  Quadrant q;
  q.r = narrow(w);
  std::memcpy(&q.n, n, sizeof(q.n));
  return q;
}
inline vf sin_poly(vf r) {
  constexpr float c[] = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};
  const vf z = r * r;
  return fma(horner(z, c) * z, r, r);
}
inline vf cos_poly(vf r) {
  constexpr float c[] = {2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f};
  const vf z = r * r;
  return fma(horner(z, c), z * z, fma(z, vset(-0.5f), vset(1.0f)));
}
inline bool any(vi mask) {
  int32_t seen = 0;
  for (int k = 0; k < kLanes; ++k) seen |= mask[k];
  return seen != 0;
}
// Replaces y by f(x) in the lanes of mask.
template <class F> inline vf patch(vf y, vi mask, vf x, F f) {
  if (__builtin_expect(any(mask), 0))
    for (int k = 0; k < kLanes; ++k)
      if (mask[k]) y[k] = f(x[k]);
  return y;
}

inline vf vsin(vf x) {
  const vi far = ~(vabs(x) <= 1e6f);
  const Quadrant q = reduce_quadrant(far ? vf{} : x);
  const vf y = (q.n & 1) != 0 ? cos_poly(q.r) : sin_poly(q.r);
  return patch((vf)((vi)y ^ ((q.n & 2) << 30)), far, x, [](float v) { return static_cast<float>(std::sin(double(v))); });
}
inline vf vcos(vf x) {
  const vi far = ~(vabs(x) <= 1e6f);
  const Quadrant q = reduce_quadrant(far ? vf{} : x);
  const vf y = (q.n & 1) != 0 ? sin_poly(q.r) : cos_poly(q.r);
  return patch((vf)((vi)y ^ (((q.n + 1) & 2) << 30)), far, x, [](float v) { return static_cast<float>(std::cos(double(v))); });
}
inline vf vtan(vf x) {
  const vi far = ~(vabs(x) <= 1e6f);
  const Quadrant q = reduce_quadrant(far ? vf{} : x);
  const vf s = sin_poly(q.r), c = cos_poly(q.r);
  const vf y = (q.n & 1) != 0 ? -c / s : s / c;
  return patch(y, far, x, [](float v) { return static_cast<float>(std::tan(double(v))); });
}

// log2(x) for normal positive x, about 1e-14 relative: atanh series in (m - 1) / (m + 1), |.| <= 0.1716
inline vd log2_double(vd x) {
  const vl bits = (vl)x;
  const vl e = (bits - 0x3fe6a09e667f3bcdLL) >> 52;
  const vd m = (vd)(bits - (e << 52));
  const vd s = (m - 1.0) / (m + 1.0), z = s * s;
  constexpr double c[] = {1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0};
  return fma(horner(z, c) * s, vset64(2.88539008177792681472), __builtin_convertvector(e, vd));
}
// 2^x for |x| <= 1000, Taylor series of exp(r ln 2) on |r| <= 1/2 to r^10
inline vd exp2_double(vd x) {
  const vd shifted = x + 6755399441055744.0;
  const vl n = (vl)shifted - 0x4338000000000000LL;
  const vd r = (x - (shifted - 6755399441055744.0)) * 0.693147180559945309417;
  constexpr double c[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
                          1.0 / 24,      1.0 / 6,      0.5,         1.0,        1.0};
  return horner(r, c) * (vd)((n + 1023) << 52);
}
inline vd pow_double(vd x, vd y) {
  vd p = log2_double(x) * y;
  p = p > 300.0 ? vset64(300.0) : p;
  p = p < -300.0 ? vset64(-300.0) : p;
  return exp2_double(p);
}

inline vf vpow(vf x, vf y) {
  const vf a = vabs(x);
  // Zeros, infinities, NaN and fractional powers of negative numbers are left to the C library.
  const vf half = y * 0.5f;
  const vi whole = vtrunc(y) == y;
  const vi negative = x < 0.0f;
  const vi rare = ~((a > 0.0f) & (a < kInf) & (vabs(y) < kInf)) | (negative & ~whole);
  const Wide base = widen(rare ? vset(1.0f) : a), power = widen(rare ? vf{} : y);
  vf r = narrow({pow_double(base.a, power.a), pow_double(base.b, power.b)});
  const vi odd = whole & (vtrunc(half) != half);
  r = (negative & odd) != 0 ? -r : r;
  if (__builtin_expect(any(rare), 0))
    for (int k = 0; k < kLanes; ++k)
      if (rare[k]) r[k] = std::pow(x[k], y[k]);
  return r;
}

}  // namespace KG_NS
