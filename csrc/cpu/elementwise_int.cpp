// The instructions of "elementwise" for integers: computed in 64 bits with wraparound, never trapping.
//
// Division rounds towards zero, floor_div and mod follow Python's signs; dividing by zero gives 0, as in NumPy. A negative
// power gives the truncated value (0 unless the base is 1 or -1). Shifts by 64 or more, or by a negative count, shift
// everything out.
#include "elementwise.h"

namespace KG_NS {
namespace {

template <class T> struct IntOps {
  using U = uint64_t;
  static constexpr bool kSigned = std::is_signed<T>::value;
  static constexpr T kZero = 0;

  static T copy(T x) { return x; }
  static T neg(T x) { return T(U(0) - U(x)); }
  static T abs(T x) { return kSigned && x < kZero ? neg(x) : x; }
  static T sign(T x) { return T(x > kZero) - T(x < kZero); }
  static T square(T x) { return T(U(x) * U(x)); }
  static T relu(T x) { return x > kZero ? x : kZero; }
  static T relu6(T x) { return x > kZero ? (x < T(6) ? x : T(6)) : kZero; }
  static T isnan(T) { return 0; }
  static T isfinite(T) { return 1; }
  static T signbit(T x) { return x < kZero; }
  static T logical_not(T x) { return x == 0; }
  static T bitwise_not(T x) { return ~x; }

  static T add(T a, T b) { return T(U(a) + U(b)); }
  static T sub(T a, T b) { return T(U(a) - U(b)); }
  static T mul(T a, T b) { return T(U(a) * U(b)); }
  static T div(T a, T b) {
    if (b == 0) return 0;
    if (kSigned && b == T(-1)) return neg(a);  // INT64_MIN / -1 would trap
    return a / b;
  }
  static T fmod(T a, T b) {
    if (b == 0 || (kSigned && b == T(-1))) return 0;
    return a % b;
  }
  static T mod(T a, T b) {
    const T m = fmod(a, b);
    return kSigned && m != 0 && (m < kZero) != (b < kZero) ? T(m + b) : m;
  }
  static T floor_div(T a, T b) {
    const T q = div(a, b);
    return kSigned && b != 0 && b != T(-1) && a % b != 0 && (a < kZero) != (b < kZero) ? T(q - 1) : q;
  }
  static T pow(T a, T b) {
    if (kSigned && b < kZero) return a == 1 ? 1 : (a == T(-1) ? (b & 1 ? T(-1) : T(1)) : 0);
    U result = 1, base = U(a);
    for (U e = U(b); e != 0; e >>= 1) {
      if (e & 1) result *= base;
      base *= base;
    }
    return T(result);
  }
  static T max(T a, T b) { return a > b ? a : b; }
  static T min(T a, T b) { return a < b ? a : b; }
  static T eq(T a, T b) { return a == b; }
  static T ne(T a, T b) { return a != b; }
  static T lt(T a, T b) { return a < b; }
  static T le(T a, T b) { return a <= b; }
  static T gt(T a, T b) { return a > b; }
  static T ge(T a, T b) { return a >= b; }
  static T logical_and(T a, T b) { return (a != 0) & (b != 0); }
  static T logical_or(T a, T b) { return (a != 0) | (b != 0); }
  static T logical_xor(T a, T b) { return (a != 0) ^ (b != 0); }
  static T bitwise_and(T a, T b) { return a & b; }
  static T bitwise_or(T a, T b) { return a | b; }
  static T bitwise_xor(T a, T b) { return a ^ b; }
  static T left_shift(T a, T b) { return U(b) < 64 ? T(U(a) << U(b)) : 0; }
  static T right_shift(T a, T b) { return U(b) < 64 ? T(a >> b) : (a < kZero ? T(-1) : T(0)); }
  static T squared_difference(T a, T b) { return square(sub(a, b)); }
  static T relu_grad(T g, T y) { return y > kZero ? g : kZero; }
  static T where(T c, T a, T b) { return c != 0 ? a : b; }
  static T clip(T x, T lo, T hi) { return min(max(x, lo), hi); }
  static T muladd(T a, T b, T c) { return add(mul(a, b), c); }

  // Same as their argument, or as the version without NaN.
  static constexpr auto floor = &copy, ceil = &copy, round = &copy, trunc = &copy, isinf = &isnan;
  static constexpr auto fmax = &max, fmin = &min;

  static constexpr std::nullptr_t exp = nullptr, exp2 = nullptr, expm1 = nullptr, log = nullptr, log1p = nullptr,
                                  log2 = nullptr, log10 = nullptr, sqrt = nullptr, rsqrt = nullptr, cbrt = nullptr,
                                  reciprocal = nullptr, sin = nullptr, cos = nullptr, tan = nullptr, asin = nullptr,
                                  acos = nullptr, atan = nullptr, sinh = nullptr, cosh = nullptr, tanh = nullptr,
                                  asinh = nullptr, acosh = nullptr, atanh = nullptr, erf = nullptr, erfc = nullptr,
                                  erfinv = nullptr, lgamma = nullptr, digamma = nullptr, sigmoid = nullptr,
                                  log_sigmoid = nullptr, softplus = nullptr, softsign = nullptr, silu = nullptr, gelu = nullptr,
                                  gelu_tanh = nullptr, selu = nullptr, hard_sigmoid = nullptr, atan2 = nullptr, hypot = nullptr,
                                  copysign = nullptr, nextafter = nullptr, ldexp = nullptr, logaddexp = nullptr, elu = nullptr,
                                  leaky_relu = nullptr, bce_logits = nullptr, relu6_grad = nullptr, sigmoid_grad = nullptr,
                                  tanh_grad = nullptr, gelu_grad = nullptr, gelu_tanh_grad = nullptr, silu_grad = nullptr,
                                  softplus_grad = nullptr, selu_grad = nullptr, hard_sigmoid_grad = nullptr, elu_grad = nullptr,
                                  leaky_relu_grad = nullptr;
};

// One element at a time in the source; the compiler turns the simple ones into vectors.
template <class T> struct ScalarMemory {
  static T load(const T* p) { return *p; }
  static T load_n(const T* p, int64_t) { return *p; }
  static void store(T* p, T v) { *p = v; }
  static void store_n(T* p, T v, int64_t) { *p = v; }
};

namespace for_int64 {
using Loop = VectorLoop<int64_t, int64_t, ScalarMemory<int64_t>>;
using Ops = IntOps<int64_t>;
const OpTable<int64_t> kTable = KG_OP_TABLE(int64_t);
}  // namespace for_int64

namespace for_uint64 {
using Loop = VectorLoop<uint64_t, uint64_t, ScalarMemory<uint64_t>>;
using Ops = IntOps<uint64_t>;
const OpTable<uint64_t> kTable = KG_OP_TABLE(uint64_t);
}  // namespace for_uint64

}  // namespace

const OpTable<int64_t>& int64_ops() { return for_int64::kTable; }
const OpTable<uint64_t>& uint64_ops() { return for_uint64::kTable; }

}  // namespace KG_NS
