// How "elementwise" and "cast" read and write arrays: any dtype to and from the type that is computed with.
#pragma once
#include <limits>
#include <type_traits>

#include "half.h"

namespace KG_NS {

// Value conversion as NumPy's astype where that is defined. Floats outside an integer's range saturate, NaN gives 0;
// integers wrap; anything but zero is true.
template <class To, class From> inline To convert(From x) {
  if constexpr (std::is_same<From, To>::value) {
    return x;
  } else if constexpr (std::is_same<From, bool>::value) {
    return convert<To>(static_cast<uint8_t>(x));
  } else if constexpr (std::is_same<From, bf16>::value || std::is_same<From, f16>::value) {
    return convert<To>(to_float(x));
  } else if constexpr (std::is_same<To, bool>::value) {
    return x != 0;
  } else if constexpr (std::is_same<To, bf16>::value) {
    return to_bf16(static_cast<float>(x));
  } else if constexpr (std::is_same<To, f16>::value) {
    return to_f16(static_cast<float>(x));
  } else if constexpr (std::is_integral<To>::value && std::is_floating_point<From>::value) {
    // The bounds are exact powers of two: 2^digits is the first value above the range.
    constexpr From above = From(uint64_t(1) << (std::numeric_limits<To>::digits - 1)) * 2;
    if (!(x < above)) return x != x ? To(0) : std::numeric_limits<To>::max();
    constexpr From below = std::is_signed<To>::value ? -above : From(0);
    if (x <= below) return std::numeric_limits<To>::min();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

// y[i] = convert(x[i * stride]); stride 0 repeats one element.
template <class To, class From> inline void convert_span(const From* x, int64_t stride, To* y, int64_t n) {
  if (stride == 1) {
    if constexpr (std::is_same<To, From>::value) {
      std::memcpy(y, x, static_cast<size_t>(n) * sizeof(To));
    } else if constexpr (std::is_same<To, float>::value &&
                         (std::is_same<From, bf16>::value || std::is_same<From, f16>::value)) {
      to_float(x, y, n);
    } else if constexpr (std::is_same<From, float>::value && (std::is_same<To, bf16>::value || std::is_same<To, f16>::value)) {
      from_float(x, y, n);
    } else if constexpr (std::is_same<From, bool>::value) {  // bytes 0 and 1: compilers do not vectorise loops over bool
      convert_span(reinterpret_cast<const uint8_t*>(x), 1, y, n);
    } else {
      for (int64_t i = 0; i < n; ++i) y[i] = convert<To>(x[i]);
    }
  } else if (stride == 0) {
    const To value = convert<To>(*x);
    for (int64_t i = 0; i < n; ++i) y[i] = value;
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = convert<To>(x[i * stride]);
  }
}

// A span of any dtype as T, and back.
template <class T> using LoadSpan = void (*)(const void* base, int64_t offset, int64_t stride, T* y, int64_t n);
template <class T> using StoreSpan = void (*)(const T* x, void* base, int64_t offset, int64_t n);

template <class F> void for_dtype(DType dtype, const F& f) {
  switch (dtype) {
    case kBool: return f(static_cast<bool*>(nullptr));
    case kU8: return f(static_cast<uint8_t*>(nullptr));
    case kI8: return f(static_cast<int8_t*>(nullptr));
    case kU16: return f(static_cast<uint16_t*>(nullptr));
    case kI16: return f(static_cast<int16_t*>(nullptr));
    case kU32: return f(static_cast<uint32_t*>(nullptr));
    case kI32: return f(static_cast<int32_t*>(nullptr));
    case kU64: return f(static_cast<uint64_t*>(nullptr));
    case kI64: return f(static_cast<int64_t*>(nullptr));
    case kF16: return f(static_cast<f16*>(nullptr));
    case kBF16: return f(static_cast<bf16*>(nullptr));
    case kF32: return f(static_cast<float*>(nullptr));
    case kF64: return f(static_cast<double*>(nullptr));
    default: return;
  }
}

template <class T> inline LoadSpan<T> load_span(DType dtype) {
  LoadSpan<T> found = nullptr;
  for_dtype(dtype, [&](auto* p) {
    using From = typename std::remove_pointer<decltype(p)>::type;
    found = [](const void* base, int64_t offset, int64_t stride, T* y, int64_t n) {
      convert_span(static_cast<const From*>(base) + offset, stride, y, n);
    };
  });
  return found;
}
template <class T> inline StoreSpan<T> store_span(DType dtype) {
  StoreSpan<T> found = nullptr;
  for_dtype(dtype, [&](auto* p) {
    using To = typename std::remove_pointer<decltype(p)>::type;
    found = [](const T* x, void* base, int64_t offset, int64_t n) { convert_span(x, 1, static_cast<To*>(base) + offset, n); };
  });
  return found;
}

}  // namespace KG_NS
