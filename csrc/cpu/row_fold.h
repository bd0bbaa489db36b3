// Short rows, many at once: the elements of kN rows lie one after another in n vectors of kN lanes. The folds of all kN rows
// end in one vector, a lane each; a number per row is spread over the elements again. So no lane is idle but in the folds.
#pragma once
#include "softmax.h"

namespace KG_NS {

struct Add {
  template <class V> V operator()(V a, V b) const { return a + b; }
};
struct Larger {
  template <class V> V operator()(V a, V b) const { return a > b ? a : b; }
};

#if defined(__AVX512F__)
#define KG_SHUFFLE(name, how) \
  inline vf name(vf a, vf b) { return _mm512_maskz_shuffle_ps(0xffff, a, b, how); }
#elif defined(__AVX2__)
#define KG_SHUFFLE(name, how) \
  inline vf name(vf a, vf b) { return _mm256_shuffle_ps(a, b, how); }
#endif
#if defined(__AVX2__)
KG_SHUFFLE(low_pairs, 0x44)  // of every four lanes: a0 a1 b0 b1
KG_SHUFFLE(high_pairs, 0xee)
KG_SHUFFLE(even_lanes, 0x88)
KG_SHUFFLE(odd_lanes, 0xdd)
#undef KG_SHUFFLE

// Four lanes each of v[0], v[4], ..., the others joined into them.
template <class F> inline vf fold_fours(const vf* v, const F& join) {
#if defined(__AVX512F__)
  const auto quarters = [](vf a, vf b, auto how) -> vf {
    return _mm512_maskz_shuffle_f32x4(0xffff, a, b, decltype(how)::value);
  };
  using std::integral_constant;
  const integral_constant<int, 0x44> low;
  const integral_constant<int, 0xee> high;
  const vf a = join(quarters(v[0], v[4], low), quarters(v[0], v[4], high));
  const vf b = join(quarters(v[8], v[12], low), quarters(v[8], v[12], high));
  return join(quarters(a, b, integral_constant<int, 0x88>()), quarters(a, b, integral_constant<int, 0xdd>()));
#else
  const vf low = _mm256_permute2f128_ps(v[0], v[4], 0x20), high = _mm256_permute2f128_ps(v[0], v[4], 0x31);
  return join(low, high);
#endif
}
#endif

// Lane r of the result is the fold of v[r], with the bits of fold_lanes.
template <class F> inline vf fold_rows(const vf* v, const F& join) {
#if defined(__AVX2__)
  const auto pairs = [&](const vf* p) {
    const vf a = fold_fours(p, join), b = fold_fours(p + 1, join);
    return join(low_pairs(a, b), high_pairs(a, b));
  };
  const vf a = pairs(v), b = pairs(v + 2);
  return join(even_lanes(a, b), odd_lanes(a, b));
#else
  vf y = {};
  for (int k = 0; k < kLanes; ++k) y[k] = fold_lanes<float>(v[k], join);
  return y;
#endif
}
template <class F> inline vd fold_rows(const vd* v, const F& join) {
  vd y = {};
  for (int k = 0; k < kLanes64; ++k) y[k] = fold_lanes<double>(v[k], join);
  return y;
}

// Lane k is v[lane[k]].
inline vf pick_lanes(vf v, const int32_t* lane) {
#if defined(__AVX512F__)
  return _mm512_maskz_permutexvar_ps(0xffff, (__m512i)load<vi>(lane), v);
#elif defined(__AVX2__)
  return _mm256_permutevar8x32_ps(v, (__m256i)load<vi>(lane));
#else
  vf y = {};
  for (int k = 0; k < kLanes; ++k) y[k] = v[lane[k]];
  return y;
#endif
}
inline vd pick_lanes(vd v, const int32_t* lane) {
  vd y = {};
  for (int k = 0; k < kLanes64; ++k) y[k] = v[lane[k]];
  return y;
}

// Loads of the first n lanes, the others `rest`: n is looked at once, not at every load.
template <class T> struct FirstLanes {
  int64_t n;
  typename Element<T>::A rest;
  typename Element<T>::V operator()(const T* p) const { return Element<T>::load_n(p, n, rest); }
};
#if defined(__AVX512F__)
template <> struct FirstLanes<float> {
  __mmask16 mask;
  vf rest;
  FirstLanes(int64_t n, float rest_) : mask(static_cast<__mmask16>((1u << n) - 1)), rest(vset(rest_)) {}
  vf operator()(const float* p) const { return _mm512_mask_loadu_ps(rest, mask, p); }
};
#elif defined(__AVX2__)
template <> struct FirstLanes<float> {
  vi mask;
  vf rest;
  FirstLanes(int64_t n, float rest_) : mask(Element<float>::vi_lane() < int32_t(n)), rest(vset(rest_)) {}
  vf operator()(const float* p) const { return _mm256_blendv_ps(rest, _mm256_maskload_ps(p, (__m256i)mask), (__m256)mask); }
};
#endif

// Groups of kN rows of n elements, n <= kMost.
template <class T> struct ShortRows {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  static constexpr int64_t kMost = 64;
  static constexpr int64_t kSize = kMost * E::kN;  // most elements of a group
  int64_t n;
  alignas(64) int32_t row[kSize];  // of an element

  explicit ShortRows(int64_t n_) : n(n_) {
    for (int64_t r = 0; r < E::kN; ++r)
      for (int64_t c = 0; c < n; ++c) row[r * n + c] = int32_t(r);
  }

  // Lane r: f(offset, load) joined over the vectors of row r. load(p) loads from elements S; past the row it gives `rest`.
  template <class S, class Join, class F> V fold(const Join& join, A rest, const F& f) const {
    const int64_t n = this->n, whole = n / E::kN * E::kN;
    const auto load = [](const S* p) { return Element<S>::load(p); };
    V v[E::kN];
    if (whole < n) {
      const FirstLanes<S> load_tail{n - whole, rest};
      for (int64_t r = 0; r < E::kN; ++r) v[r] = f(r * n + whole, load_tail);
    } else {
      for (int64_t r = 0; r < E::kN; ++r) v[r] = f(r * n, load);
    }
    for (int64_t i = whole < n ? 0 : E::kN; i < whole; i += E::kN)
      for (int64_t r = 0; r < E::kN; ++r) v[r] = join(v[r], f(r * n + i, load));
    return fold_rows(v, join);
  }

  // f(offset) for the n vectors of a group.
  template <class F> void each(const F& f) const {
    const int64_t end = E::kN * n;
    for (int64_t i = 0; i < end; i += E::kN) f(i);
  }
  // The lanes of v, one per row, over the vector at offset i.
  V spread(V v, int64_t i) const { return pick_lanes(v, row + i); }
};

}  // namespace KG_NS
