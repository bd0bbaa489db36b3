// Element types and the conversions between them, as csrc/cpu/elementwise_memory.h and numeric.h define them.
#pragma once
#include "dev.cuh"

namespace kg {

struct f16 {
  uint16_t bits;
};
struct bf16 {
  uint16_t bits;
};

// The order of csrc/cpu/kernel.h.
enum DType { kBool = 0, kU8, kI8, kU16, kI16, kU32, kI32, kU64, kI64, kF16, kBF16, kF32, kF64 };

KG_DEVICE float infinity() { return bits_float(0x7f800000u); }
KG_DEVICE float not_a_number() { return bits_float(0x7fc00000u); }

template <class A, class B> struct same {
  static constexpr bool value = false;
};
template <class A> struct same<A, A> {
  static constexpr bool value = true;
};
template <class A, class B> constexpr bool is_same = same<A, B>::value;
template <class T> constexpr bool is_half = is_same<T, f16> || is_same<T, bf16>;
template <class T> constexpr bool is_float = is_half<T> || is_same<T, float> || is_same<T, double>;
template <class T> constexpr bool is_signed = T(-1) < T(0);

KG_DEVICE float to_float(f16 x) { return half_value(x.bits); }
KG_DEVICE float to_float(bf16 x) { return bits_float((uint32_t)x.bits << 16); }
KG_DEVICE f16 to_f16(float x) { return {half_bits(x)}; }
KG_DEVICE bf16 to_bf16(float x) {
  const uint32_t u = float_bits(x);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {(uint16_t)((u >> 16) | 0x40u)};
  return {(uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}

// As NumPy's astype; a float outside an integer's range saturates and NaN becomes 0; anything but zero is true.
template <class To, class From> KG_DEVICE To convert(From x) {
  if constexpr (is_same<From, To>) {
    return x;
  } else if constexpr (is_same<From, bool>) {
    return convert<To>((uint8_t)(x ? 1 : 0));
  } else if constexpr (is_half<From>) {
    return convert<To>(to_float(x));
  } else if constexpr (is_same<To, bool>) {
    return x != From(0);
  } else if constexpr (is_same<To, f16>) {
    return to_f16((float)x);
  } else if constexpr (is_same<To, bf16>) {
    return to_bf16((float)x);
  } else if constexpr (is_float<From> && !is_float<To>) {
    constexpr int digits = (int)sizeof(To) * 8 - (is_signed<To> ? 1 : 0);
    constexpr From above = From((uint64_t)1 << (digits - 1)) * 2;
    constexpr From below = is_signed<To> ? -above : From(0);
    constexpr To highest = is_signed<To> ? (To)(((uint64_t)1 << (digits - 1)) - 1 + ((uint64_t)1 << (digits - 1))) : (To)~To(0);
    if (!(x < above)) return x != x ? To(0) : highest;
    if (x <= below) return is_signed<To> ? (To)(-highest - 1) : To(0);
    return (To)x;
  } else {
    return (To)x;
  }
}

// The type to compute in: float for the half types.
template <class T> struct compute_of {
  typedef T type;
};
template <> struct compute_of<f16> {
  typedef float type;
};
template <> struct compute_of<bf16> {
  typedef float type;
};
template <class T> using compute = typename compute_of<T>::type;
template <class T> KG_DEVICE compute<T> widen(T x) {
  if constexpr (is_half<T>)
    return to_float(x);
  else
    return x;
}
template <class T> KG_DEVICE T narrow(compute<T> x) { return convert<T>(x); }

// Element i of an array of a dtype known only at run time, as A, and back.
template <class A> KG_DEVICE A load_as(const void* base, int dtype, int64_t i) {
  switch (dtype) {
    case kBool: return convert<A>(static_cast<const uint8_t*>(base)[i] != 0);
    case kU8: return convert<A>(static_cast<const uint8_t*>(base)[i]);
    case kI8: return convert<A>(static_cast<const int8_t*>(base)[i]);
    case kU16: return convert<A>(static_cast<const uint16_t*>(base)[i]);
    case kI16: return convert<A>(static_cast<const int16_t*>(base)[i]);
    case kU32: return convert<A>(static_cast<const uint32_t*>(base)[i]);
    case kI32: return convert<A>(static_cast<const int32_t*>(base)[i]);
    case kU64: return convert<A>(static_cast<const uint64_t*>(base)[i]);
    case kI64: return convert<A>(static_cast<const int64_t*>(base)[i]);
    case kF16: return convert<A>(static_cast<const f16*>(base)[i]);
    case kBF16: return convert<A>(static_cast<const bf16*>(base)[i]);
    case kF32: return convert<A>(static_cast<const float*>(base)[i]);
    default: return convert<A>(static_cast<const double*>(base)[i]);
  }
}
template <class A> KG_DEVICE void store_as(void* base, int dtype, int64_t i, A x) {
  switch (dtype) {
    case kBool: static_cast<bool*>(base)[i] = convert<bool>(x); return;
    case kU8: static_cast<uint8_t*>(base)[i] = convert<uint8_t>(x); return;
    case kI8: static_cast<int8_t*>(base)[i] = convert<int8_t>(x); return;
    case kU16: static_cast<uint16_t*>(base)[i] = convert<uint16_t>(x); return;
    case kI16: static_cast<int16_t*>(base)[i] = convert<int16_t>(x); return;
    case kU32: static_cast<uint32_t*>(base)[i] = convert<uint32_t>(x); return;
    case kI32: static_cast<int32_t*>(base)[i] = convert<int32_t>(x); return;
    case kU64: static_cast<uint64_t*>(base)[i] = convert<uint64_t>(x); return;
    case kI64: static_cast<int64_t*>(base)[i] = convert<int64_t>(x); return;
    case kF16: static_cast<f16*>(base)[i] = convert<f16>(x); return;
    case kBF16: static_cast<bf16*>(base)[i] = convert<bf16>(x); return;
    case kF32: static_cast<float*>(base)[i] = convert<float>(x); return;
    default: static_cast<double*>(base)[i] = convert<double>(x); return;
  }
}

// Element i of an array of T as A; a bool may be any byte.
template <class A, class T> KG_DEVICE A load(const T* x, int64_t i) {
  if constexpr (is_same<T, bool>)
    return convert<A>(reinterpret_cast<const uint8_t*>(x)[i] != 0);
  else
    return convert<A>(x[i]);
}

}  // namespace kg
