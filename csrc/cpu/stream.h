// Moving large arrays past the caches: stores that do not read the line first.
//
// A store to a line that is not in the cache reads it from memory first. A streaming store does not, which saves a third of the
// traffic of y = f(x); but y is then not in the cache for whoever reads it next, so it pays only where it would not fit anyway.
#pragma once
#include "vec.h"

namespace KG_NS {

constexpr int64_t kStreamBytes = int64_t(8) << 20;  // results from here on are streamed: a good part of a last-level cache

// Whether a result of `count` elements goes past the cache where its kernel can write whole aligned vectors.
template <class T> inline bool past_cache(int64_t count) {
  return sizeof(T) >= 4 && count >= kStreamBytes / int64_t(sizeof(T));
}

// Whether a result may be streamed: large, and every vector of the kernel's loop aligned (row: elements between two rows).
template <class T> inline bool streams(const T* y, int64_t count, int64_t row) {
  return past_cache<T>(count) && reinterpret_cast<uintptr_t>(y) % kVecBytes == 0 && row * int64_t(sizeof(T)) % kVecBytes == 0;
}

inline void stream(float* p, vf v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, v);
#elif defined(__AVX2__)
  _mm256_stream_ps(p, v);
#else
  store(p, v);
#endif
}
inline void stream(double* p, vd v) {
#if defined(__AVX512F__)
  _mm512_stream_pd(p, v);
#elif defined(__AVX2__)
  _mm256_stream_pd(p, v);
#else
  store(p, v);
#endif
}
// Prefetches what lies at p, in loops over vectors; where vectors are small it would cost more than it gains.
inline void fetch_line(const void* p) {
  if constexpr (kVecBytes >= 32) __builtin_prefetch(p);
}

// y = x, past the cache from the first aligned vector on.
inline void stream_bytes(const void* x, void* y, int64_t bytes) {
  const auto* from = static_cast<const unsigned char*>(x);
  auto* to = static_cast<unsigned char*>(y);
  int64_t i = int64_t(-reinterpret_cast<uintptr_t>(to) % kVecBytes);
  if (i > bytes) i = bytes;
  std::memcpy(to, from, static_cast<size_t>(i));
  for (; i + kVecBytes <= bytes; i += kVecBytes) stream(reinterpret_cast<float*>(to + i), load<vf>(from + i));
  std::memcpy(to + i, from + i, static_cast<size_t>(bytes - i));
}

// Streaming stores of this thread become visible before what it stores next. At the end of each chunk.
inline void end_stream() {
#if defined(__AVX512F__) || defined(__AVX2__)
  _mm_sfence();
#endif
}

}  // namespace KG_NS
