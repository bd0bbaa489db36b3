// Dispatch over dtypes, and conversions of single values, for kernels that work on every dtype.
#pragma once
#include <limits>
#include <type_traits>

#include "half.h"

namespace KG_NS {

// f(T{}) for the C++ type of a dtype.
template <class F> void by_dtype(DType dtype, const F& f) {
  switch (dtype) {
    case kBool: return f(bool{});
    case kU8: return f(uint8_t{});
    case kI8: return f(int8_t{});
    case kU16: return f(uint16_t{});
    case kI16: return f(int16_t{});
    case kU32: return f(uint32_t{});
    case kI32: return f(int32_t{});
    case kU64: return f(uint64_t{});
    case kI64: return f(int64_t{});
    case kF16: return f(f16{});
    case kBF16: return f(bf16{});
    case kF32: return f(float{});
    default: return f(double{});
  }
}
template <class T> constexpr bool is_half = false;
template <> constexpr bool is_half<f16> = true;
template <> constexpr bool is_half<bf16> = true;
template <class T> constexpr bool is_float = is_half<T>;
template <> constexpr bool is_float<float> = true;
template <> constexpr bool is_float<double> = true;

// A double that is too large for an integer type would be undefined behaviour: saturate, NaN is 0.
template <class T> inline T from_double(double x) {
  if constexpr (is_half<T>) {
    return from_float<T>(static_cast<float>(x));
  } else if constexpr (is_float<T>) {
    return static_cast<T>(x);
  } else if constexpr (std::is_same<T, bool>::value) {
    return x != 0;
  } else {
    constexpr T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    if (!(x > static_cast<double>(low))) return x != x ? T(0) : low;
    return x >= static_cast<double>(high) ? high : static_cast<T>(x);
  }
}
template <class T> inline T from_integer(int64_t x) {
  if constexpr (is_half<T>) {
    return from_float<T>(static_cast<float>(x));
  } else {
    return static_cast<T>(x);
  }
}

// The type to compute in: float for the half types, otherwise T itself.
template <class T> struct compute {
  typedef T type;
};
template <> struct compute<f16> {
  typedef float type;
};
template <> struct compute<bf16> {
  typedef float type;
};
template <class T> inline typename compute<T>::type widen(T x) {
  if constexpr (is_half<T>) {
    return to_float(x);
  } else {
    return x;
  }
}
template <class T> inline T narrow(typename compute<T>::type x) {
  if constexpr (is_half<T>) {
    return from_float<T>(x);
  } else {
    return x;
  }
}

// Indices are int32 or int64; f(pointer).
template <class F> void by_index(const Call& call, int k, int64_t count, const F& f) {
  if (k < call.n_in && call.in[k].dtype == kI32) return f(input<int32_t>(call, k, count));
  if (k < call.n_in && call.in[k].dtype != kI64) fail_dtype(call, "input", k, call.in[k].dtype, "int32 or int64");
  f(input<int64_t>(call, k, count));
}

}  // namespace KG_NS
