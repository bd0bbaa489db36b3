// Packing copies a strip of A or B so that the inner loop reads it in order: dst[p * width + r], r = 0..width-1, p = 0..k-1.
// A strip is `rows` (<= width) rows of a matrix that runs along p, or `rows` columns of one that runs along r. T is what is
// stored (float, double, or a 16-bit float), S what is computed with. dst needs L elements of room after its end.
#pragma once
#include "gemm_simd.h"

namespace KG_NS {

// src element (r, p) at src[r * ld + p]: transposed through registers. Rows past `rows` become zeros.
template <class S, class T> void pack_along(const T* src, int64_t ld, int rows, int64_t k, S* dst, int width) {
  using Vec = typename Simd<S>::V;
  constexpr int L = Simd<S>::L;
  if (width > L && width % L != 0) {  // a whole-vector store would spill over the next column's first rows
    for (int64_t p = 0; p < k; ++p)
      for (int r = 0; r < width; ++r) dst[p * width + r] = r < rows ? scalar_as(src[r * ld + p], S{}) : S{};
    return;
  }
  for (int64_t p = 0; p < k; p += L) {
    const int columns = k - p < L ? static_cast<int>(k - p) : L;
    for (int r0 = 0; r0 < width; r0 += L) {
      const int have = rows - r0 < L ? (rows > r0 ? rows - r0 : 0) : L;
      const T* from = src + r0 * ld + p;
      Vec v[L];
      if (have == L && columns == L) {
#pragma GCC unroll 16
        for (int r = 0; r < L; ++r) v[r] = load_as(from + r * ld, S{});
      } else {
        for (int r = 0; r < L; ++r) v[r] = Vec{};
        for (int r = 0; r < have; ++r)
          v[r] = columns == L ? load_as(from + r * ld, S{}) : load_part(from + r * ld, columns, S{});
      }
      transpose<S>(v);
      S* to = dst + p * width + r0;
      if (columns == L) {
#pragma GCC unroll 16
        for (int q = 0; q < L; ++q) store(to + q * width, v[q]);  // in order: what spills over is overwritten next
      } else {
        for (int q = 0; q < columns; ++q) store(to + q * width, v[q]);
      }
    }
  }
}

// src element (r, p) at src[p * ld + r]: copied. Lanes past `rows`, up to a whole vector, become zeros.
template <class S, class T> void pack_across(const T* src, int64_t ld, int rows, int64_t k, S* dst, int width) {
  constexpr int L = Simd<S>::L;
  if (width > L && width % L != 0) {
    for (int64_t p = 0; p < k; ++p)
      for (int r = 0; r < width; ++r) dst[p * width + r] = r < rows ? scalar_as(src[p * ld + r], S{}) : S{};
    return;
  }
  constexpr int kAhead = 16;  // rows lie too far apart for the processor to foresee the next ones
  for (int64_t p = 0; p < k; ++p) {
    const T* from = src + p * ld;
    const T* ahead = src + (p + kAhead < k ? p + kAhead : k - 1) * ld;
    S* to = dst + p * width;
    for (int r = 0; r < rows; r += 64 / static_cast<int>(sizeof(T))) __builtin_prefetch(ahead + r);
    for (int r = 0; r < width; r += L)
      store(to + r, rows - r >= L ? load_as(from + r, S{})
                    : rows > r    ? load_part(from + r, rows - r, S{})
                                  : typename Simd<S>::V{});
  }
}

}  // namespace KG_NS
