// Order-preserving integer keys, and a stable sort of (key, number) pairs.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "numeric.h"
#include "pool.h"

namespace KG_NS {

template <class K> struct Keyed {
  K key;
  uint32_t number;
};

// The unsigned integer as wide as T, at least 32 bits.
template <class T> using key_of = typename std::conditional<sizeof(T) == 8, uint64_t, uint32_t>::type;

// A key with the order of the values; -0 and 0 are equal, every NaN is last.
template <class T> inline key_of<T> sort_key(T x) {
  typedef key_of<T> K;
  if constexpr (is_half<T>) {
    return sort_key(widen(x));
  } else if constexpr (is_float<T>) {
    constexpr K sign = K(1) << (8 * sizeof(K) - 1);
    if (x != x) return ~K(0);
    const T value = x == 0 ? T(0) : x;
    K bits;
    std::memcpy(&bits, &value, sizeof(K));
    return bits & sign ? ~bits : bits | sign;
  } else if constexpr (std::is_signed<T>::value) {
    return static_cast<K>(x) ^ (K(1) << (8 * sizeof(K) - 1));
  } else {
    return static_cast<K>(x);
  }
}

template <class K> inline bool before(const Keyed<K>& x, const Keyed<K>& y) {
  return x.key < y.key || (x.key == y.key && x.number < y.number);
}

constexpr int64_t kRadixFrom = 256;  // elements above which counting digits beats comparing

// Sorts a[0..n) by key, equal keys by number. a must hold the numbers in ascending order; spare has n elements.
template <class K> void sort_pairs(Keyed<K>* a, Keyed<K>* spare, int64_t n) {
  if (n < kRadixFrom) {
    std::sort(a, a + n, before<K>);
    return;
  }
  // Least significant digit first, 8 bits a pass; a digit that is the same everywhere costs no pass.
  constexpr int digits = sizeof(K);
  uint32_t counts[digits][256] = {};
  for (int64_t k = 0; k < n; ++k)
    for (int d = 0; d < digits; ++d) ++counts[d][a[k].key >> (8 * d) & 255];
  Keyed<K>*from = a, *to = spare;
  for (int d = 0; d < digits; ++d) {
    uint32_t* start = counts[d];
    if (start[from[0].key >> (8 * d) & 255] == static_cast<uint32_t>(n)) continue;
    uint32_t sum = 0;
    for (int k = 0; k < 256; ++k) {
      const uint32_t c = start[k];
      start[k] = sum;
      sum += c;
    }
    for (int64_t k = 0; k < n; ++k) to[start[from[k].key >> (8 * d) & 255]++] = from[k];
    std::swap(from, to);
  }
  if (from != a) std::memcpy(static_cast<void*>(a), from, static_cast<size_t>(n) * sizeof(Keyed<K>));
}

// Scratch memory from the caching pool, freed at the end of the scope.
template <class T> class Scratch {
 public:
  explicit Scratch(int64_t count) : data_(static_cast<T*>(pool_allocate(count * int64_t(sizeof(T))))) {}
  ~Scratch() { pool_free(data_); }
  T* data() { return data_; }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  T* data_;
};

}  // namespace KG_NS
