// The instructions of "elementwise" on vectors of floats or doubles. V is vf or vd; truth is 1 or 0.
#pragma once
#include "vecmath_double.h"

namespace KG_NS {

template <class V> struct FloatOps {
  using T = typename std::remove_reference<decltype(V{}[0])>::type;
  using I = decltype(V{} < V{});  // integer lanes of the same width
  static V all(T x) { return x - V{}; }
  static V truth(I mask) { return mask ? all(1) : V{}; }
  static V nan_of(V a, V b) { return a + b; }

  static V copy(V x) { return x; }
  static V neg(V x) { return -x; }
  static V abs(V x) { return vabs(x); }
  static V sign(V x) { return x > 0 ? all(1) : (x < 0 ? all(-1) : x); }
  static V exp(V x) { return vexp(x); }
  static V exp2(V x) { return vexp2(x); }
  static V expm1(V x) { return vexpm1(x); }
  static V log(V x) { return vlog(x); }
  static V log1p(V x) { return vlog1p(x); }
  static V log2(V x) { return vlog2(x); }
  static V log10(V x) { return vlog10(x); }
  static V sqrt(V x) { return vsqrt(x); }
  static V rsqrt(V x) { return T(1) / vsqrt(x); }
  static V cbrt(V x) {
    return lanewise(x, [](T v) { return std::cbrt(v); });
  }
  static V square(V x) { return x * x; }
  static V reciprocal(V x) { return T(1) / x; }
  static V sin(V x) { return vsin(x); }
  static V cos(V x) { return vcos(x); }
  static V tan(V x) { return vtan(x); }
  static V asin(V x) {
    return lanewise(x, [](T v) { return std::asin(v); });
  }
  static V acos(V x) {
    return lanewise(x, [](T v) { return std::acos(v); });
  }
  static V atan(V x) {
    return lanewise(x, [](T v) { return std::atan(v); });
  }
  static V sinh(V x) {
    return lanewise(x, [](T v) { return std::sinh(v); });
  }
  static V cosh(V x) {
    return lanewise(x, [](T v) { return std::cosh(v); });
  }
  static V tanh(V x) { return vtanh(x); }
  static V asinh(V x) {
    return lanewise(x, [](T v) { return std::asinh(v); });
  }
  static V acosh(V x) {
    return lanewise(x, [](T v) { return std::acosh(v); });
  }
  static V atanh(V x) {
    return lanewise(x, [](T v) { return std::atanh(v); });
  }
  static V erf(V x) { return verf(x); }
  static V erfc(V x) { return verfc(x); }
  static V erfinv(V x) {
    return lanewise(x, [](T v) { return T(scalar_erfinv(v)); });
  }
  static V lgamma(V x) {
    return lanewise(x, [](T v) { return T(scalar_lgamma(v)); });
  }
  static V digamma(V x) {
    return lanewise(x, [](T v) { return T(scalar_digamma(v)); });
  }
  static V sigmoid(V x) { return vsigmoid(x); }
  static V log_sigmoid(V x) { return -vsoftplus(-x); }
  static V softplus(V x) { return vsoftplus(x); }
  static V softsign(V x) { return x / (vabs(x) + T(1)); }
  static V relu(V x) { return x < 0 ? V{} : x; }  // keeps NaN
  static V relu6(V x) { return x < 0 ? V{} : (x > 6 ? all(6) : x); }
  static V silu(V x) {
    const V e = vexp(-vabs(x));
    const V y = (x >= 0 ? x : x * e) / (e + T(1));
    return x == -T(kInf) ? V{} : y;
  }
  static V gelu(V x) { return vgelu(x); }
  // 0.5 x (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2 / pi) (x + 0.044715 x^3)
  static V gelu_tanh_argument(V x) { return x * (T(1.5957691216057308) + x * x * T(0.07135481627260025)); }
  static V gelu_tanh(V x) {
    const V y = x * vsigmoid(gelu_tanh_argument(x));
    return x == -T(kInf) ? V{} : y;
  }
  static constexpr T kSeluScale = T(1.0507009873554804934), kSeluAlpha = T(1.6732632423543772848);
  static V selu(V x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * vexpm1(x)); }
  static V hard_sigmoid(V x) { return relu6(x + T(3)) / T(6); }
  static V floor(V x) { return vfloor(x); }
  static V ceil(V x) { return vceil(x); }
  static V round(V x) { return vround(x); }
  static V trunc(V x) { return vtrunc(x); }
  static V isnan(V x) { return truth(x != x); }
  static V isinf(V x) { return truth(vabs(x) == T(kInf)); }
  static V isfinite(V x) { return truth(vabs(x) < T(kInf)); }
  static V signbit(V x) { return truth((I)x < 0); }
  static V logical_not(V x) { return truth(x == 0); }

  static V add(V a, V b) { return a + b; }
  static V sub(V a, V b) { return a - b; }
  static V mul(V a, V b) { return a * b; }
  static V div(V a, V b) { return a / b; }
  static V floor_div(V a, V b) {
    return lanewise(a, b, [](T x, T y) { return python_floor_div(x, y); });
  }
  static V mod(V a, V b) {
    return lanewise(a, b, [](T x, T y) { return python_mod(x, y); });
  }
  static V fmod(V a, V b) {
    return lanewise(a, b, [](T x, T y) { return std::fmod(x, y); });
  }
  static V pow(V a, V b) { return vpow(a, b); }
  static V max(V a, V b) { return a != a ? a : (a > b ? a : b); }  // b if b is NaN
  static V min(V a, V b) { return a != a ? a : (a < b ? a : b); }
  static V fmax(V a, V b) { return b != b ? a : (a > b ? a : b); }
  static V fmin(V a, V b) { return b != b ? a : (a < b ? a : b); }
  static V atan2(V a, V b) {
    return lanewise(a, b, [](T x, T y) { return std::atan2(x, y); });
  }
  static V hypot(V a, V b) {
    return lanewise(a, b, [](T x, T y) { return std::hypot(x, y); });
  }
  static V copysign(V a, V b) { return vcopysign(a, b); }
  static V nextafter(V a, V b) {
    return lanewise(a, b, [](T x, T y) { return std::nextafter(x, y); });
  }
  static V ldexp(V a, V b) {
    return lanewise(a, b, [](T x, T y) {
      if (y != y) return y;
      return std::ldexp(x, y > 10000 ? 10000 : (y < -10000 ? -10000 : int(y)));
    });
  }
  static V eq(V a, V b) { return truth(a == b); }
  static V ne(V a, V b) { return truth(a != b); }
  static V lt(V a, V b) { return truth(a < b); }
  static V le(V a, V b) { return truth(a <= b); }
  static V gt(V a, V b) { return truth(a > b); }
  static V ge(V a, V b) { return truth(a >= b); }
  static V logical_and(V a, V b) { return truth((a != 0) & (b != 0)); }
  static V logical_or(V a, V b) { return truth((a != 0) | (b != 0)); }
  static V logical_xor(V a, V b) { return truth((a != 0) ^ (b != 0)); }
  // max + log1p(exp(-|a - b|)); equal infinities would give inf - inf
  static V logaddexp(V a, V b) {
    const V d = a == b ? V{} : a - b;
    return max(a, b) + vlog1p(vexp(-vabs(d)));
  }
  static V squared_difference(V a, V b) { return (a - b) * (a - b); }
  static V elu(V x, V alpha) { return x > 0 ? x : alpha * vexpm1(x); }
  static V leaky_relu(V x, V slope) { return x >= 0 ? x : slope * x; }
  // -z log(sigmoid(x)) - (1 - z) log(1 - sigmoid(x)) = max(x, 0) - x z + log1p(exp(-|x|))
  static V bce_logits(V x, V z) { return relu(x) - x * z + vlog1p(vexp(-vabs(x))); }
  static V relu_grad(V g, V y) { return y > 0 ? g : V{}; }
  static V relu6_grad(V g, V x) { return ((x > 0) & (x < 6)) != 0 ? g : V{}; }
  static V sigmoid_grad(V g, V y) { return g * (y * (T(1) - y)); }
  static V tanh_grad(V g, V y) { return g * (T(1) - y * y); }
  static V gelu_grad(V g, V x) { return g * vgelu_grad(x); }
  static V gelu_tanh_grad(V g, V x) {
    const V c = vabs(x) > 40 ? vcopysign(all(40), x) : x;  // the slope is 0 or 1 long before; avoids inf * 0
    const V s = vsigmoid(gelu_tanh_argument(c));
    return g * (s + c * s * (T(1) - s) * (T(1.5957691216057308) + c * c * T(0.21406444881780076)));
  }
  static V silu_grad(V g, V x) {
    const V c = vabs(x) > 1000 ? vcopysign(all(1000), x) : x;
    const V s = vsigmoid(c);
    return g * (s * (c * (T(1) - s) + T(1)));
  }
  static V softplus_grad(V g, V x) { return g * vsigmoid(x); }
  static V selu_grad(V g, V y) { return g * (y > 0 ? all(kSeluScale) : y + kSeluScale * kSeluAlpha); }
  static V hard_sigmoid_grad(V g, V x) { return ((x > -3) & (x < 3)) != 0 ? g * T(1.0 / 6) : V{}; }

  static V where(V c, V a, V b) { return c != 0 ? a : b; }
  static V clip(V x, V lo, V hi) { return min(max(x, lo), hi); }
  static V muladd(V a, V b, V c) { return a * b + c; }
  static V elu_grad(V g, V y, V alpha) { return g * (y > 0 ? all(1) : y + alpha); }
  static V leaky_relu_grad(V g, V x, V slope) { return x >= 0 ? g : slope * g; }

  // Not defined for floats: their slots in the table stay empty.
  static constexpr std::nullptr_t bitwise_not = nullptr, bitwise_and = nullptr, bitwise_or = nullptr, bitwise_xor = nullptr,
                                  left_shift = nullptr, right_shift = nullptr;
};

}  // namespace KG_NS
