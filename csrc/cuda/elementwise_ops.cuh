// The instructions of "elementwise" (csrc/common/opcodes.h) on one float or double: op_name(arguments) for T = float, double.
// The formulas are those of csrc/cpu/elementwise_ops.h; libm's functions take the place of its polynomials, within the tolerance
// that tests hold both to. Compiled with -fmad=false, so that a value does not depend on the kernel that it is computed in.
#pragma once
#include "elementwise_scalar.cuh"

namespace kg {

// clang-format off: tables
// A name of libm for both precisions.
#define KG_MATH1(name)                                       \
  KG_DEVICE float m_##name(float x) { return ::name##f(x); } \
  KG_DEVICE double m_##name(double x) { return ::name(x); }
#define KG_MATH2(name)                                                   \
  KG_DEVICE float m_##name(float x, float y) { return ::name##f(x, y); } \
  KG_DEVICE double m_##name(double x, double y) { return ::name(x, y); }
KG_MATH1(exp) KG_MATH1(exp2) KG_MATH1(expm1) KG_MATH1(log) KG_MATH1(log1p) KG_MATH1(log2) KG_MATH1(log10)
KG_MATH1(sqrt) KG_MATH1(cbrt) KG_MATH1(sin) KG_MATH1(cos) KG_MATH1(tan) KG_MATH1(asin) KG_MATH1(acos) KG_MATH1(atan)
KG_MATH1(sinh) KG_MATH1(cosh) KG_MATH1(tanh) KG_MATH1(asinh) KG_MATH1(acosh) KG_MATH1(atanh) KG_MATH1(erf) KG_MATH1(erfc)
KG_MATH1(fabs) KG_MATH1(floor) KG_MATH1(ceil) KG_MATH1(rint) KG_MATH1(trunc)
KG_MATH2(fmod) KG_MATH2(pow) KG_MATH2(atan2) KG_MATH2(hypot) KG_MATH2(copysign) KG_MATH2(nextafter)

template <class T> KG_DEVICE bool negative(T x) {
  if constexpr (sizeof(T) == 4)
    return float_bits(x) >> 31;
  else
    return double_bits(x) >> 63;
}

#define KG_OP1(name, body) \
  template <class T> KG_DEVICE T op_##name(T x) { body }
#define KG_OP2(name, a, b, body) \
  template <class T> KG_DEVICE T op_##name(T a, T b) { body }
#define KG_OP3(name, a, b, c, body) \
  template <class T> KG_DEVICE T op_##name(T a, T b, T c) { body }

template <class T> KG_DEVICE T finite_end() { return T(infinity()); }

KG_OP1(copy, return x;)
KG_OP1(neg, return -x;)
KG_OP1(abs, return m_fabs(x);)
KG_OP1(sign, return x > 0 ? T(1) : (x < 0 ? T(-1) : x);)
KG_OP1(exp, return m_exp(x);)
KG_OP1(exp2, return m_exp2(x);)
KG_OP1(expm1, return m_expm1(x);)
KG_OP1(log, return m_log(x);)
KG_OP1(log1p, return m_log1p(x);)
KG_OP1(log2, return m_log2(x);)
KG_OP1(log10, return m_log10(x);)
KG_OP1(sqrt, return m_sqrt(x);)
KG_OP1(rsqrt, return T(1) / m_sqrt(x);)
KG_OP1(cbrt, return m_cbrt(x);)
KG_OP1(square, return x * x;)
KG_OP1(reciprocal, return T(1) / x;)
KG_OP1(sin, return m_sin(x);)
KG_OP1(cos, return m_cos(x);)
KG_OP1(tan, return m_tan(x);)
KG_OP1(asin, return m_asin(x);)
KG_OP1(acos, return m_acos(x);)
KG_OP1(atan, return m_atan(x);)
KG_OP1(sinh, return m_sinh(x);)
KG_OP1(cosh, return m_cosh(x);)
KG_OP1(tanh, return m_tanh(x);)
KG_OP1(asinh, return m_asinh(x);)
KG_OP1(acosh, return m_acosh(x);)
KG_OP1(atanh, return m_atanh(x);)
KG_OP1(erf, return m_erf(x);)
KG_OP1(erfc, return m_erfc(x);)
KG_OP1(erfinv, return T(erfinv_double(x));)
KG_OP1(lgamma, return T(lgamma_double(x));)
KG_OP1(digamma, return T(digamma_double(x));)
KG_OP1(sigmoid, const T e = m_exp(-m_fabs(x)); return (x >= 0 ? T(1) : e) / (e + T(1));)
KG_OP1(softplus, const T y = m_log1p(m_exp(-m_fabs(x))); return x > 0 ? x + y : y + (x != x ? x : T(0));)
KG_OP1(log_sigmoid, return -op_softplus(-x);)
KG_OP1(softsign, return x / (m_fabs(x) + T(1));)
KG_OP1(relu, return x < 0 ? T(0) : x;)
KG_OP1(relu6, return x < 0 ? T(0) : (x > 6 ? T(6) : x);)
KG_OP1(silu, if (x == -finite_end<T>()) return T(0); const T e = m_exp(-m_fabs(x)); return (x >= 0 ? x : x * e) / (e + T(1));)
// x cdf(x), the cdf through erfc so that the left tail keeps its digits
KG_OP1(gelu, if (x == -finite_end<T>()) return T(0); return x * (T(0.5) * m_erfc(x * T(-0.70710678118654752440)));)
template <class T> KG_DEVICE T gelu_tanh_argument(T x) { return x * (T(1.5957691216057308) + x * x * T(0.07135481627260025)); }
KG_OP1(gelu_tanh, return x == -finite_end<T>() ? T(0) : x * op_sigmoid(gelu_tanh_argument(x));)
KG_OP1(selu, return T(1.0507009873554804934) * (x > 0 ? x : T(1.6732632423543772848) * m_expm1(x));)
KG_OP1(hard_sigmoid, return op_relu6(x + T(3)) / T(6);)
KG_OP1(floor, return m_floor(x);)
KG_OP1(ceil, return m_ceil(x);)
KG_OP1(round, return m_rint(x);)
KG_OP1(trunc, return m_trunc(x);)
KG_OP1(isnan, return T(x != x);)
KG_OP1(isinf, return T(m_fabs(x) == finite_end<T>());)
KG_OP1(isfinite, return T(m_fabs(x) < finite_end<T>());)
KG_OP1(signbit, return T(negative(x));)
KG_OP1(logical_not, return T(x == 0);)

KG_OP2(add, a, b, return a + b;)
KG_OP2(sub, a, b, return a - b;)
KG_OP2(mul, a, b, return a * b;)
KG_OP2(div, a, b, return a / b;)
KG_OP2(fmod, a, b, return m_fmod(a, b);)
KG_OP2(
mod, a, b, T m = m_fmod(a, b); if (m != 0) {
if ((b < 0) != (m < 0)) m += b;
} else { m = m_copysign(T(0), b); } return m;)
KG_OP2(floor_div, a, b, if (b == 0) return a / b; T m = m_fmod(a, b); T q = (a - m) / b;
if (m != 0 && (b < 0) != (m < 0)) q -= T(1); if (q == 0) return m_copysign(T(0), a / b); const T f = m_floor(q);
return q - f > T(0.5) ? f + T(1) : f;)
KG_OP2(pow, a, b, return m_pow(a, b);)
KG_OP2(max, a, b, return a != a ? a : (a > b ? a : b);)
KG_OP2(min, a, b, return a != a ? a : (a < b ? a : b);)
KG_OP2(fmax, a, b, return b != b ? a : (a > b ? a : b);)
KG_OP2(fmin, a, b, return b != b ? a : (a < b ? a : b);)
KG_OP2(atan2, a, b, return m_atan2(a, b);)
KG_OP2(hypot, a, b, return m_hypot(a, b);)
KG_OP2(copysign, a, b, return m_copysign(a, b);)
KG_OP2(nextafter, a, b, return m_nextafter(a, b);)
KG_DEVICE float m_ldexp(float x, int n) { return ::ldexpf(x, n); }
KG_DEVICE double m_ldexp(double x, int n) { return ::ldexp(x, n); }
KG_OP2(ldexp, a, b, return b != b ? b : m_ldexp(a, b > 10000 ? 10000 : (b < -10000 ? -10000 : (int)b));)
KG_OP2(eq, a, b, return T(a == b);)
KG_OP2(ne, a, b, return T(a != b);)
KG_OP2(lt, a, b, return T(a < b);)
KG_OP2(le, a, b, return T(a <= b);)
KG_OP2(gt, a, b, return T(a > b);)
KG_OP2(ge, a, b, return T(a >= b);)
KG_OP2(logical_and, a, b, return T((a != 0) & (b != 0));)
KG_OP2(logical_or, a, b, return T((a != 0) | (b != 0));)
KG_OP2(logical_xor, a, b, return T((a != 0) ^ (b != 0));)
KG_OP2(logaddexp, a, b, const T d = a == b ? T(0) : a - b; return op_max(a, b) + m_log1p(m_exp(-m_fabs(d)));)
KG_OP2(squared_difference, a, b, return (a - b) * (a - b);)
KG_OP2(elu, a, b, return a > 0 ? a : b * m_expm1(a);)
KG_OP2(leaky_relu, a, b, return a >= 0 ? a : b * a;)
KG_OP2(bce_logits, a, b, return op_relu(a) - a * b + m_log1p(m_exp(-m_fabs(a)));)
KG_OP2(relu_grad, g, y, return y > 0 ? g : T(0);)
KG_OP2(relu6_grad, g, x, return (x > 0) & (x < 6) ? g : T(0);)
KG_OP2(sigmoid_grad, g, y, return g * (y * (T(1) - y));)
KG_OP2(tanh_grad, g, y, return g * (T(1) - y * y);)
KG_OP2(gelu_grad, g, x, const T end = sizeof(T) == 4 ? T(14.5) : T(40); const T c = m_fabs(x) > end ? m_copysign(end, x) : x;
return g * (T(0.5) * m_erfc(x * T(-0.70710678118654752440)) + c * (m_exp(c * c * T(-0.5)) * T(0.398942280401432678)));)
KG_OP2(gelu_tanh_grad, g, x, const T c = m_fabs(x) > 40 ? m_copysign(T(40), x) : x;
const T s = op_sigmoid(gelu_tanh_argument(c));
return g * (s + c * s * (T(1) - s) * (T(1.5957691216057308) + c * c * T(0.21406444881780076)));)
KG_OP2(silu_grad, g, x, const T c = m_fabs(x) > 1000 ? m_copysign(T(1000), x) : x; const T s = op_sigmoid(c);
return g * (s * (c * (T(1) - s) + T(1)));)
KG_OP2(softplus_grad, g, x, return g * op_sigmoid(x);)
KG_OP2(selu_grad, g, y, const T scale = T(1.0507009873554804934);
return g * (y > 0 ? scale : y + scale * T(1.6732632423543772848));)
KG_OP2(hard_sigmoid_grad, g, x, return (x > -3) & (x < 3) ? g * T(1.0 / 6) : T(0);)

KG_OP3(where, c, a, b, return c != 0 ? a : b;)
KG_OP3(clip, x, low, high, return op_min(op_max(x, low), high);)
KG_OP3(muladd, a, b, c, return a * b + c;)
KG_OP3(elu_grad, g, y, alpha, return g * (y > 0 ? T(1) : y + alpha);)
KG_OP3(leaky_relu_grad, g, x, slope, return x >= 0 ? g : slope * g;)
// clang-format on

}  // namespace kg
