// The names of vecmath.h for vectors of doubles. Transcendental functions go through the C library lane by lane:
// double precision is for checking gradients, where accuracy counts and speed does not.
#pragma once
#include "elementwise_scalar.h"
#include "vecmath_special.h"

namespace KG_NS {

#define KG_LANEWISE(name, function)                           \
  inline vd name(vd x) {                                      \
    return lanewise(x, [](double v) { return function(v); }); \
  }
KG_LANEWISE(vexp, std::exp)
KG_LANEWISE(vexp2, std::exp2)
KG_LANEWISE(vexpm1, std::expm1)
KG_LANEWISE(vlog, std::log)
KG_LANEWISE(vlog1p, std::log1p)
KG_LANEWISE(vlog2, std::log2)
KG_LANEWISE(vlog10, std::log10)
KG_LANEWISE(vtanh, std::tanh)
KG_LANEWISE(vsin, std::sin)
KG_LANEWISE(vcos, std::cos)
KG_LANEWISE(vtan, std::tan)
KG_LANEWISE(verf, std::erf)
KG_LANEWISE(verfc, std::erfc)
KG_LANEWISE(vsqrt, __builtin_sqrt)
KG_LANEWISE(vround, __builtin_nearbyint)
KG_LANEWISE(vfloor, __builtin_floor)
KG_LANEWISE(vceil, __builtin_ceil)
KG_LANEWISE(vtrunc, __builtin_trunc)
#undef KG_LANEWISE

inline vd vabs(vd x) { return (vd)((vl)x & INT64_MAX); }
inline vd vcopysign(vd magnitude, vd sign) { return (vd)(((vl)magnitude & INT64_MAX) | ((vl)sign & INT64_MIN)); }
inline vd vpow(vd x, vd y) {
  return lanewise(x, y, [](double a, double b) { return std::pow(a, b); });
}
inline vd vsigmoid(vd x) {
  const vd e = vexp(-vabs(x));
  return (x >= 0.0 ? vset64(1.0) : e) / (e + 1.0);
}
inline vd vsoftplus(vd x) {
  const vd y = vlog1p(vexp(-vabs(x)));
  return x > 0.0 ? x + y : y + (x != x ? x : vd{});
}
inline vd vgelu(vd x) {
  const vd y = x * (vd{} + 0.5) * verfc(x * -0.70710678118654752440);
  return x == -__builtin_inf() ? vd{} : y;
}
inline vd vgelu_grad(vd x) {
  const vd c = vabs(x) > 40.0 ? vcopysign(vset64(40.0), x) : x;
  return 0.5 * verfc(c * -0.70710678118654752440) + c * (vexp(c * c * -0.5) * 0.39894228040143267794);
}

}  // namespace KG_NS
