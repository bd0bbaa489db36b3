// What the GEMM files need from a vector of S (float or double) beyond vec.h: partial loads and stores through a mask that is
// made once, and a transpose in registers.
#pragma once
#include <utility>

#include "half.h"

namespace KG_NS {

template <class S> struct Simd;
template <> struct Simd<float> {
  using V = vf;
  static constexpr int L = kLanes;
};
template <> struct Simd<double> {
  using V = vd;
  static constexpr int L = kLanes64;
};

// Selects the first n (0..L) lanes of a vector of S.
template <class S> struct Mask;
#if defined(__AVX512F__)
template <> struct Mask<float> {
  __mmask16 m;
  explicit Mask(int64_t n) : m(static_cast<__mmask16>((1u << n) - 1)) {}
  vf load(const float* p) const { return _mm512_maskz_loadu_ps(m, p); }
  void store(float* p, vf v) const { _mm512_mask_storeu_ps(p, m, v); }
};
template <> struct Mask<double> {
  __mmask8 m;
  explicit Mask(int64_t n) : m(static_cast<__mmask8>((1u << n) - 1)) {}
  vd load(const double* p) const { return _mm512_maskz_loadu_pd(m, p); }
  void store(double* p, vd v) const { _mm512_mask_storeu_pd(p, m, v); }
};
#elif defined(__AVX2__)
template <> struct Mask<float> {
  __m256i m;
  explicit Mask(int64_t n) : m(_mm256_cmpgt_epi32(_mm256_set1_epi32(int(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))) {}
  vf load(const float* p) const { return _mm256_maskload_ps(p, m); }
  void store(float* p, vf v) const { _mm256_maskstore_ps(p, m, v); }
};
template <> struct Mask<double> {
  __m256i m;
  explicit Mask(int64_t n) : m(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3))) {}
  vd load(const double* p) const { return _mm256_maskload_pd(p, m); }
  void store(double* p, vd v) const { _mm256_maskstore_pd(p, m, v); }
};
#else
template <class S> struct Mask {
  int64_t n;
  explicit Mask(int64_t count) : n(count) {}
  typename Simd<S>::V load(const S* p) const {
    S lane[Simd<S>::L] = {};
    for (int64_t l = 0; l < n; ++l) lane[l] = p[l];
    return kg_load(lane);
  }
  void store(S* p, typename Simd<S>::V v) const {
    S lane[Simd<S>::L];
    std::memcpy(lane, &v, sizeof(v));
    for (int64_t l = 0; l < n; ++l) p[l] = lane[l];
  }

 private:
  static typename Simd<S>::V kg_load(const S* p) {
    typename Simd<S>::V v;
    std::memcpy(&v, p, sizeof(v));
    return v;
  }
};
#endif

// sum += a * b, rounded once. Written out for AVX2: with its 16 registers the compiler would pick the form of the instruction that
// overwrites a factor, and then keep a sum on the stack.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline __attribute__((always_inline)) void add_product(vf& sum, vf a, vf b) {
  asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
}
inline __attribute__((always_inline)) void add_product(vd& sum, vd a, vd b) {
  asm("vfmadd231pd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
}
#else
template <class V> inline __attribute__((always_inline)) void add_product(V& sum, V a, V b) { sum = fma(a, b, sum); }
#endif

inline vf broadcast(float x) { return vset(x); }
inline vd broadcast(double x) { return vset64(x); }

// Lanes of a and b in turn: of their first halves (low) or second halves (high).
template <class V, int... K> inline V interleave_low(V a, V b, std::integer_sequence<int, K...>) {
  constexpr int L = sizeof...(K);
  return __builtin_shufflevector(a, b, (K / 2 + (K % 2) * L)...);
}
template <class V, int... K> inline V interleave_high(V a, V b, std::integer_sequence<int, K...>) {
  constexpr int L = sizeof...(K);
  return __builtin_shufflevector(a, b, (L / 2 + K / 2 + (K % 2) * L)...);
}

// Transposes the L x L matrix whose rows are v[0..L-1]: log2(L) rounds of a perfect riffle.
template <class S> inline __attribute__((always_inline)) void transpose(typename Simd<S>::V* v) {
  using V = typename Simd<S>::V;
  constexpr int L = Simd<S>::L;
  using Lanes = std::make_integer_sequence<int, L>;
#pragma GCC unroll 4
  for (int width = 1; width < L; width *= 2) {
    V next[L];
#pragma GCC unroll 16
    for (int r = 0; r < L / 2; ++r) {
      next[2 * r] = interleave_low(v[r], v[r + L / 2], Lanes{});
      next[2 * r + 1] = interleave_high(v[r], v[r + L / 2], Lanes{});
    }
#pragma GCC unroll 16
    for (int r = 0; r < L; ++r) v[r] = next[r];
  }
}

// The sums of v[0..L-1], as the lanes of one vector, in a fixed order.
template <class S> inline __attribute__((always_inline)) typename Simd<S>::V sum_each(typename Simd<S>::V* v) {
  constexpr int L = Simd<S>::L;
  using Lanes = std::make_integer_sequence<int, L>;
#pragma GCC unroll 4
  for (int half = L / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
    for (int r = 0; r < half; ++r)
      v[r] = interleave_low(v[r], v[r + half], Lanes{}) + interleave_high(v[r], v[r + half], Lanes{});
  }
  return v[0];
}

// L elements of storage type T as computing type S.
inline vf load_as(const float* p, float) { return vload(p); }
inline vf load_as(const f16* p, float) { return vload(p); }
inline vf load_as(const bf16* p, float) { return vload(p); }
inline vd load_as(const double* p, double) { return load<vd>(p); }
template <class T> inline float scalar_as(T x, float) { return to_float(x); }
inline double scalar_as(double x, double) { return x; }
// The first n of them; the other lanes are zero.
inline vf load_part(const float* p, int64_t n, float) { return Mask<float>(n).load(p); }
inline vd load_part(const double* p, int64_t n, double) { return Mask<double>(n).load(p); }
template <class T> inline vf load_part(const T* p, int64_t n, float) {
  T lane[kLanes] = {};
  for (int64_t l = 0; l < n; ++l) lane[l] = p[l];
  return vload(lane);
}

}  // namespace KG_NS
