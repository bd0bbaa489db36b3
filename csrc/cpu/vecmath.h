// Exponentials, logarithms, tanh, sigmoid, roots and rounding on vectors of floats.
//
// Polynomials are those of Cephes (S. Moshier, Methods and Programs for Mathematical Functions, 1989; logf,
// log2f, log10f, tanhf), in the order and with the blending of our own. Worst errors below are in units in the last
// place against float64, over the whole range, and tests/kernels/test_elementwise.py holds them to that.
//   vexp, vexp2   all floats   1 ulp    overflow gives inf; denormal results are kept
//   vexpm1        all floats   2 ulp    -1 below -17
//   vlog          all floats   1 ulp    log(0) = -inf, NaN below 0; denormal arguments are understood
//   vlog1p        all floats   2 ulp    log1p(-1) = -inf
//   vlog2, vlog10 all floats   2 ulp
//   vtanh, vsigmoid all floats 2 ulp
//   vsoftplus     all floats   2 ulp
// A lane's result depends on that lane alone, so position, tile and thread never change bits. Instruction sets
// without fma may differ from those with it in the last place.
#pragma once
#include <cmath>

#include "vec.h"

namespace KG_NS {

constexpr float kInf = __builtin_inff();
constexpr float kNan = __builtin_nanf("");

// c[0] x^(N-1) + ... + c[N-1]
template <int N> inline vf horner(vf x, const float (&c)[N]) {
  vf y = vset(c[0]);
  for (int k = 1; k < N; ++k) y = fma(y, x, vset(c[k]));
  return y;
}

// f on every lane, for functions that are too rare for a polynomial.
template <class V, class F> inline V lanewise(V x, F f) {
  V y = {};
  for (int k = 0; k < int(sizeof(V) / sizeof(x[0])); ++k) y[k] = f(x[k]);
  return y;
}
template <class V, class F> inline V lanewise(V a, V b, F f) {
  V y = {};
  for (int k = 0; k < int(sizeof(V) / sizeof(a[0])); ++k) y[k] = f(a[k], b[k]);
  return y;
}

inline vf vcopysign(vf magnitude, vf sign) { return (vf)(((vi)magnitude & 0x7fffffff) | ((vi)sign & int32_t(0x80000000u))); }

inline vf vsqrt(vf x) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xffff, x);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(x);
#else
  return lanewise(x, [](float v) { return __builtin_sqrtf(v); });
#endif
}

#if defined(__AVX512F__)
#define KG_ROUNDING(name, mode, scalar) \
  inline vf name(vf x) { return _mm512_maskz_roundscale_ps(0xffff, x, mode); }
#elif defined(__AVX2__)
#define KG_ROUNDING(name, mode, scalar) \
  inline vf name(vf x) { return _mm256_round_ps(x, (mode) | 8); }
#else
#define KG_ROUNDING(name, mode, scalar)                    \
  inline vf name(vf x) {                                   \
    return lanewise(x, [](float v) { return scalar(v); }); \
  }
#endif
KG_ROUNDING(vround, 0, __builtin_nearbyintf)  // ties to even
KG_ROUNDING(vfloor, 1, __builtin_floorf)
KG_ROUNDING(vceil, 2, __builtin_ceilf)
KG_ROUNDING(vtrunc, 3, __builtin_truncf)
#undef KG_ROUNDING

// x within [low, high]; NaN stays.
inline vf vclamp(vf x, float low, float high) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xffff, vset(low), _mm512_maskz_min_ps(0xffff, vset(high), x));
#elif defined(__AVX2__)
  return _mm256_max_ps(vset(low), _mm256_min_ps(vset(high), x));
#else
  return vmax(vset(low), vmin(vset(high), x));
#endif
}

// The nearest integer to x for |x| < 2^22: adding 1.5 * 2^23 leaves it in the low bits. NaN gives some integer.
struct Nearest {
  vf value;
  vi integer;
};
inline Nearest vnearest(vf x, vf factor) {  // to x factor
  const vf shifted = fma(x, factor, vset(12582912.0f));
  return {shifted - 12582912.0f, (vi)shifted - 0x4b400000};
}
inline Nearest vnearest(vf x) { return vnearest(x, vset(1.0f)); }

// y * 2^n for n in [-252, 256], rounding once when the result is denormal.
inline vf vscale(vf y, Nearest n) {
#if defined(__AVX512F__)
  return _mm512_maskz_scalef_ps(0xffff, y, n.value);
#else
  const vi half = n.integer >> 1;
  const vf a = (vf)((half + 127) << 23), b = (vf)((n.integer - half + 127) << 23);
  return y * a * b;
#endif
}

// exp(r) = 1 + r + r^2 p(r) on |r| <= ln(2) / 2; weighted least squares, reweighted towards the minimax error of 0.06 ulp
inline vf exp_poly(vf r) {
  constexpr float c[] = {1.3814599e-3f, 8.368717e-3f, 4.166839e-2f, 1.6666521e-1f, 4.9999994e-1f};
  return horner(r, c);
}
// x - n ln(2), with ln(2) in two parts of which the first times n is exact
inline vf exp_reduce(vf x, vf n) { return fma(n, vset(2.12194440e-4f), fma(n, vset(-0.693359375f), x)); }

inline vf vexp(vf x) {
  const vf c = vclamp(x, -104.0f, 89.0f);
  const Nearest n = vnearest(c, vset(1.44269504088896341f));
  const vf r = exp_reduce(c, n.value);
  return vscale(fma(exp_poly(r), r * r, r) + 1.0f, n);
}

inline vf vexp2(vf x) {
  const vf c = vclamp(x, -151.0f, 129.0f);
  const Nearest n = vnearest(c);
  const vf r = (c - n.value) * 0.693147180559945309f;
  return vscale(fma(exp_poly(r), r * r, r) + 1.0f, n);
}

inline vf vexpm1(vf x) {
  const vf c = vclamp(x, -25.0f, 89.0f);
  const Nearest n = vnearest(c, vset(1.44269504088896341f));
  const vf r = exp_reduce(c, n.value);
  const vf q = fma(exp_poly(r), r * r, r);
  const vf s = (vf)((n.integer + 126) << 23);  // 2^(n-1): n = 128 would not fit
  const vf y = fma(q, s, s - 0.5f) * 2.0f;
  return vabs(x) < 0x1p-24f ? x : y;  // keeps -0 and denormals
}

// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and tail so that log(1 + f) = f + tail
struct LogParts {
  vf e, f, tail;
};
inline LogParts log_parts(vf x) {
  const vi tiny = x < 1.17549435e-38f;
  const vi bits = (vi)(tiny ? x * 8388608.0f : x);
  const vi e = (bits - 0x3f3504f3) >> 23;
  const vf f = (vf)(bits - (e << 23)) - 1.0f;
  constexpr float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
                         -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
  const vf z = f * f;
  return {__builtin_convertvector(e + (tiny & -23), vf), f, fma(horner(f, c) * f, z, z * -0.5f)};
}
// y is the logarithm for positive finite x
inline vf log_specials(vf x, vf y) {
  y = x == kInf ? x : y;
  y = x == 0.0f ? vset(-kInf) : y;
  return x >= 0.0f ? y : vset(kNan);
}

inline vf vlog(vf x) {
  const LogParts p = log_parts(x);
  const vf low = fma(p.e, vset(-2.12194440e-4f), p.tail);
  return log_specials(x, fma(p.e, vset(0.693359375f), p.f + low));
}

inline vf vlog1p(vf x) {
  const vf u = x + 1.0f;
  const vf lost = (x - (u - 1.0f)) / u;  // first-order effect of rounding u
  const LogParts p = log_parts(u);
  const vf low = fma(p.e, vset(-2.12194440e-4f), p.tail) + lost;
  const vf y = log_specials(u, fma(p.e, vset(0.693359375f), p.f + low));
  return vabs(x) < 0x1p-24f ? x : y;
}

inline vf vlog2(vf x) {
  const LogParts p = log_parts(x);
  constexpr float k = 0.44269504088896341f;  // log2(e) - 1
  return log_specials(x, (fma(p.f, vset(k), p.tail * k) + p.tail) + p.f + p.e);
}

inline vf vlog10(vf x) {
  const LogParts p = log_parts(x);
  vf y = (p.f + p.tail) * 7.00731903251827651e-4f;  // log10(e) and log10(2), each in two parts
  y = fma(p.tail, vset(0.43359375f), y);
  y = fma(p.e, vset(2.48745663981195214e-4f), y);
  return log_specials(x, fma(p.e, vset(0.30078125f), fma(p.f, vset(0.43359375f), y)));
}

inline vf vtanh(vf x) {
  constexpr float c[] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f};
  const vf a = vabs(x), z = x * x;
  const vf small = fma(horner(z, c) * z, a, a);
  const vf large = 1.0f - 2.0f / (vexp(a + a) + 1.0f);
  return vcopysign(a < 0.625f ? small : large, x);
}

// 1 / (1 + exp(-x)), never through a large exponential
inline vf vsigmoid(vf x) {
  const vf e = vexp(-vabs(x));
  return (x >= 0.0f ? vset(1.0f) : e) / (e + 1.0f);
}

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
inline vf vsoftplus(vf x) {
  const vf y = vlog1p(vexp(-vabs(x)));
  return x > 0.0f ? x + y : y + (x != x ? x : vf{});
}

}  // namespace KG_NS
