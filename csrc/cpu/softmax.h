// Shared by softmax, log-softmax, logsumexp and the cross-entropies: float-like elements as vectors, and stable sums.
#pragma once
#include "half.h"
#include "stream.h"
#include "vecmath_double.h"

namespace KG_NS {

// Element<T>: vectors V of the type that T is computed in (float for float16 and bfloat16, double for double).
// Partial loads put `rest` in the lanes past the end.
template <class T> struct Element {
  using V = vf;
  using A = float;
  static constexpr int kN = kLanes;
  static V all(A x) { return vset(x); }
  static V load(const T* p) { return vload(p); }
  static V load_n(const T* p, int64_t n, A rest) { return vi_lane() < int32_t(n) ? vload_n(p, n) : all(rest); }
  static void store(T* p, V v) { vstore(p, v); }
  static void store_n(T* p, V v, int64_t n) { vstore_n(p, v, n); }
  static V first_n(V v, int64_t n, A rest) { return vi_lane() < int32_t(n) ? v : all(rest); }
  static vi vi_lane() {
    vi lane;
    for (int k = 0; k < kLanes; ++k) lane[k] = k;
    return lane;
  }
  static A to_scalar(T x) { return to_float(x); }
  static T from_scalar(A x) { return from_float<T>(x); }
};
template <> struct Element<double> {
  using V = vd;
  using A = double;
  static constexpr int kN = kLanes64;
  static V all(A x) { return vset64(x); }
  static V load(const double* p) { return KG_NS::load<vd>(p); }
  static V load_n(const double* p, int64_t n, A rest) {
    V v = all(rest);
    std::memcpy(&v, p, static_cast<size_t>(n) * 8);
    return v;
  }
  static void store(double* p, V v) { KG_NS::store(p, v); }
  static void store_n(double* p, V v, int64_t n) { std::memcpy(p, &v, static_cast<size_t>(n) * 8); }
  static V first_n(V v, int64_t n, A rest) {
    for (int64_t k = n; k < kN; ++k) v[k] = rest;
    return v;
  }
  static A to_scalar(double x) { return x; }
  static double from_scalar(A x) { return x; }
};

inline vd vmax(vd a, vd b) { return a > b ? a : b; }
// Joins the upper half of the lanes with the lower half until one is left, in registers.
template <class A, class V, class F> inline A fold_lanes(V v, const F& join) {
  if constexpr (sizeof(V) > 16) {
    typedef A Half __attribute__((vector_size(sizeof(V) / 2)));
    Half half[2];
    std::memcpy(half, &v, sizeof(v));
    return fold_lanes<A>(join(half[0], half[1]), join);
  } else if constexpr (sizeof(A) == 8) {
    return join(v[0], v[1]);
  } else {
    return join(join(v[0], v[2]), join(v[1], v[3]));
  }
}
template <class V> inline auto fold_sum(V v) {
  using A = typename std::remove_reference<decltype(v[0])>::type;
  return fold_lanes<A>(v, [](auto a, auto b) { return a + b; });
}
template <class V> inline auto fold_max(V v) {
  using A = typename std::remove_reference<decltype(v[0])>::type;
  return fold_lanes<A>(v, [](auto a, auto b) { return a > b ? a : b; });
}

// Largest of x[0..n), n >= 1. NaN may be missed: the sums that follow see it.
template <class T> inline typename Element<T>::A row_max(const T* x, int64_t n) {
  using E = Element<T>;
  using V = typename E::V;
  const auto low = -std::numeric_limits<typename E::A>::infinity();
  V a = E::all(low), b = a;
  int64_t i = 0;
  for (; i + 2 * E::kN <= n; i += 2 * E::kN) {
    a = vmax(E::load(x + i), a);
    b = vmax(E::load(x + i + E::kN), b);
  }
  if (i + E::kN <= n) {
    a = vmax(E::load(x + i), a);
    i += E::kN;
  }
  if (i < n) b = vmax(E::load_n(x + i, n - i, low), b);
  return fold_max(vmax(a, b));
}

// Sum over i in [0, n) of f(i, count), a vector of `count` valid lanes. Two accumulators per block of 1024 and a total of
// blocks keep the chains of additions short.
template <class E, class F> inline typename E::A row_sum(int64_t n, const F& f) {
  using V = typename E::V;
  V total = {};
  for (int64_t block = 0; block < n; block += 1024) {
    const int64_t end = n - block < 1024 ? n : block + 1024;
    V a = {}, b = {};
    int64_t i = block;
    for (; i + 2 * E::kN <= end; i += 2 * E::kN) {
      a += f(i, E::kN);
      b += f(i + E::kN, E::kN);
    }
    if (i + E::kN <= end) {
      a += f(i, E::kN);
      i += E::kN;
    }
    if (i < end) b += E::first_n(f(i, end - i), end - i, 0);
    total += a + b;
  }
  return fold_sum(total);
}

// y[i] = f(vector at i) over a row, tails included; `count` says how many lanes to load.
template <class T, class F> inline void row_store(T* y, int64_t n, const F& f) {
  using E = Element<T>;
  int64_t i = 0;
  for (; i + E::kN <= n; i += E::kN) E::store(y + i, f(i, int64_t(E::kN)));
  if (i < n) E::store_n(y + i, f(i, n - i), n - i);
}

// Loads `count` lanes; the rest are zero.
template <class T> inline typename Element<T>::V load_count(const T* p, int64_t count) {
  return count == Element<T>::kN ? Element<T>::load(p) : Element<T>::load_n(p, count, 0);
}

template <class T> inline void store_count(T* p, typename Element<T>::V v, int64_t count) {
  if (count == Element<T>::kN)
    Element<T>::store(p, v);
  else
    Element<T>::store_n(p, v, count);
}

// The same, past the cache if `past`, which is right for whole aligned vectors only.
template <class T> inline void store_past(T* p, typename Element<T>::V v, int64_t count, bool past) {
  if constexpr (sizeof(T) >= 4) {
    if (past) return stream(p, v);
  }
  store_count(p, v, count);
}

// f(i, count) for the vectors of [begin, end); count is a constant for whole ones.
template <class E, class F> inline void each_vector(int64_t begin, int64_t end, const F& f) {
  int64_t i = begin;
  for (; i + E::kN <= end; i += E::kN) f(i, std::integral_constant<int64_t, E::kN>());
  if (i < end) f(i, end - i);
}

// row_store, past the cache if `past`: from the first aligned vector on.
template <class T, class F> inline void row_store_past(T* y, int64_t n, bool past, const F& f) {
  using E = Element<T>;
  if constexpr (sizeof(T) >= 4) {
    if (past) {
      int64_t i = int64_t(-reinterpret_cast<uintptr_t>(y) % kVecBytes / sizeof(T));
      if (i > n) i = n;
      if (i > 0) E::store_n(y, f(0, i), i);
      for (; i + E::kN <= n; i += E::kN) stream(y + i, f(i, std::integral_constant<int64_t, E::kN>()));
      if (i < n) E::store_n(y + i, f(i, n - i), n - i);
      return;
    }
  }
  row_store(y, n, f);
}

// Calls f(null pointer of T) for the float dtypes; false for others.
template <class F> inline bool for_float_dtype(DType dtype, const F& f) {
  switch (dtype) {
    case kF32: f(static_cast<float*>(nullptr)); return true;
    case kF64: f(static_cast<double*>(nullptr)); return true;
    case kF16: f(static_cast<f16*>(nullptr)); return true;
    case kBF16: f(static_cast<bf16*>(nullptr)); return true;
    default: return false;
  }
}

// Rows or columns that one thread takes before another is worth waking: about 4000 exponentials.
inline int64_t softmax_grain(int64_t n) { return 4096 / (n + 8) + 1; }

// The same for rows that lie one after another: whole groups of rows, and more of them where there are many.
template <class T> inline int64_t rows_grain(int64_t rows, int64_t n) {
  constexpr int64_t kTogether = 4 * Element<T>::kN;
  const int64_t elements = rows * (n + 8) >= int64_t(1) << 20 ? 32768 : 4096, grain = elements / (n + 8);
  return n > 64 ? grain / 4 * 4 + (grain < 4 ? 1 : 0) : grain / kTogether * kTogether + (grain < kTogether ? kTogether : 0);
}

}  // namespace KG_NS
