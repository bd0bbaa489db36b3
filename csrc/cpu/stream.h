// Moving large arrays past the caches: stores that do not read the line first.
//
// A store to a line that is not in the cache reads it from memory first. A streaming store does not, which saves a third of the
// traffic of y = f(x); but y is then not in the cache for whoever reads it next, so it pays only where it would not fit anyway.
#pragma once
#include "vec.h"

namespace KG_NS {

constexpr int64_t kStreamBytes = int64_t(8) << 20;  // results from here on are streamed: a good part of a last-level cache

// Whether a result may be streamed: large, and every vector of the kernel's loop aligned (row: elements between two rows).
template <class T> inline bool streams(const T* y, int64_t count, int64_t row) {
  return count * int64_t(sizeof(T)) >= kStreamBytes && sizeof(T) >= 4 && reinterpret_cast<uintptr_t>(y) % kVecBytes == 0 &&
         row * int64_t(sizeof(T)) % kVecBytes == 0;
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
// Streaming stores of this thread become visible before what it stores next. At the end of each chunk.
inline void end_stream() {
#if defined(__AVX512F__) || defined(__AVX2__)
  _mm_sfence();
#endif
}

}  // namespace KG_NS
