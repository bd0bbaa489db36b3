// a / d by an approximate reciprocal and Newton's method, for loops that the divider would hold up: within 2 units in the last place,
// and a / d itself where d is 0, infinite or NaN. The root stays with the divider, which works beside the multipliers.
//
// r' = r + r (1 - d r) doubles the number of right bits of r; the instructions start with 14 (AVX-512) or 12 (AVX2).
#pragma once
#include <cmath>

#include "vecmath.h"

namespace KG_NS {

template <class C> inline C quotient(C a, C d) { return a / d; }
template <class C> inline C root(C x) { return std::sqrt(x); }
inline vf root(vf x) { return vsqrt(x); }

#if defined(__AVX512F__)
inline vf quotient(vf a, vf d) {
  const vf r = _mm512_maskz_rcp14_ps(0xffff, d);
  const vf error = _mm512_fnmadd_ps(d, r, vset(1));
  // 0 times infinity: the reciprocal is exact as it is.
  return a * (vf)_mm512_mask_fmadd_ps(r, _mm512_cmp_ps_mask(error, error, _CMP_ORD_Q), error, r);
}
#elif defined(__AVX2__) && defined(__FMA__)
inline vf quotient(vf a, vf d) {
  vf r = _mm256_rcp_ps(d);
  for (int k = 0; k < 2; ++k) {
    const vf error = _mm256_fnmadd_ps(d, r, vset(1));
    r = _mm256_blendv_ps(r, _mm256_fmadd_ps(r, error, r), _mm256_cmp_ps(error, error, _CMP_ORD_Q));
  }
  return a * r;
}
#endif

}  // namespace KG_NS
