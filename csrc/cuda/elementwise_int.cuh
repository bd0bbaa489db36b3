// The instructions of "elementwise" for integers: 64 bits with wraparound, as csrc/cpu/elementwise_int.cpp. T: int64_t or uint64_t.
#pragma once
#include "numeric.cuh"

namespace kg {

#define KG_INT1(name, body)                       \
  template <class T> KG_DEVICE T op_##name(T x) { \
    typedef uint64_t U;                           \
    (void)sizeof(U);                              \
    body                                          \
  }
#define KG_INT2(name, body)                            \
  template <class T> KG_DEVICE T op_##name(T a, T b) { \
    typedef uint64_t U;                                \
    (void)sizeof(U);                                   \
    body                                               \
  }

// clang-format off: a table
KG_INT1(copy, return x;)
KG_INT1(neg, return T(U(0) - U(x));)
KG_INT1(abs, return is_signed<T> && x < T(0) ? op_neg(x) : x;)
KG_INT1(sign, return T(x > T(0)) - T(x < T(0));)
KG_INT1(square, return T(U(x) * U(x));)
KG_INT1(relu, return x > T(0) ? x : T(0);)
KG_INT1(relu6, return x > T(0) ? (x < T(6) ? x : T(6)) : T(0);)
KG_INT1(floor, return x;)
KG_INT1(ceil, return x;)
KG_INT1(round, return x;)
KG_INT1(trunc, return x;)
KG_INT1(isnan, (void)x; return T(0);)
KG_INT1(isinf, (void)x; return T(0);)
KG_INT1(isfinite, (void)x; return T(1);)
KG_INT1(signbit, return T(x < T(0));)
KG_INT1(logical_not, return T(x == 0);)
KG_INT1(bitwise_not, return ~x;)

KG_INT2(add, return T(U(a) + U(b));)
KG_INT2(sub, return T(U(a) - U(b));)
KG_INT2(mul, return T(U(a) * U(b));)
// Towards zero; by zero gives 0; INT64_MIN / -1 wraps.
KG_INT2(div, if (b == 0) return T(0); if (is_signed<T> && b == T(-1)) return op_neg(a); return a / b;)
KG_INT2(fmod, if (b == 0 || (is_signed<T> && b == T(-1))) return T(0); return a % b;)
KG_INT2(mod, const T m = op_fmod(a, b); return is_signed<T> && m != 0 && (m < T(0)) != (b < T(0)) ? T(m + b) : m;)
KG_INT2(floor_div, const T q = op_div(a, b);
        return is_signed<T> && b != 0 && b != T(-1) && a % b != 0 && (a < T(0)) != (b < T(0)) ? T(q - 1) : q;)
KG_INT2(
    pow, if (is_signed<T> && b < T(0)) return a == 1 ? T(1) : (a == T(-1) ? (b & 1 ? T(-1) : T(1)) : T(0)); U result = 1;
    U base = U(a); for (U e = U(b); e != 0; e >>= 1) {
      if (e & 1) result *= base;
      base *= base;
    } return T(result);)
KG_INT2(max, return a > b ? a : b;)
KG_INT2(min, return a < b ? a : b;)
KG_INT2(fmax, return a > b ? a : b;)
KG_INT2(fmin, return a < b ? a : b;)
KG_INT2(eq, return T(a == b);)
KG_INT2(ne, return T(a != b);)
KG_INT2(lt, return T(a < b);)
KG_INT2(le, return T(a <= b);)
KG_INT2(gt, return T(a > b);)
KG_INT2(ge, return T(a >= b);)
KG_INT2(logical_and, return T((a != 0) & (b != 0));)
KG_INT2(logical_or, return T((a != 0) | (b != 0));)
KG_INT2(logical_xor, return T((a != 0) ^ (b != 0));)
KG_INT2(bitwise_and, return a & b;)
KG_INT2(bitwise_or, return a | b;)
KG_INT2(bitwise_xor, return a ^ b;)
KG_INT2(left_shift, return U(b) < 64 ? T(U(a) << U(b)) : T(0);)
KG_INT2(right_shift, return U(b) < 64 ? T(a >> b) : (a < T(0) ? T(-1) : T(0));)
KG_INT2(squared_difference, return op_square(op_sub(a, b));)
KG_INT2(relu_grad, return b > T(0) ? a : T(0);)

// clang-format on

template <class T> KG_DEVICE T op_where(T c, T a, T b) { return c != 0 ? a : b; }
template <class T> KG_DEVICE T op_clip(T x, T low, T high) { return op_min(op_max(x, low), high); }
template <class T> KG_DEVICE T op_muladd(T a, T b, T c) { return op_add(op_mul(a, b), c); }

}  // namespace kg
