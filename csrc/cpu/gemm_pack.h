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
  static const T zeros[L] = {};
  const int64_t body = k / L * L;
  for (int r0 = 0; r0 < width; r0 += L) {
    // A missing row is read from the same zeros again and again, so that the loop has no branches.
    const T* from[L];
    int64_t step[L];
    for (int r = 0; r < L; ++r) {
      const bool have = r0 + r < rows;
      from[r] = have ? src + (r0 + r) * ld : zeros;
      step[r] = have ? L : 0;
    }
    S* to = dst + r0;
    Vec v[L];
    for (int64_t p = 0; p < body; p += L) {
#pragma GCC unroll 16
      for (int r = 0; r < L; ++r) {
        v[r] = load_as(from[r], S{});
        from[r] += step[r];
      }
      transpose<S>(v);
#pragma GCC unroll 16
      for (int q = 0; q < L; ++q, to += width) store(to, v[q]);  // in order: what spills over is overwritten next
    }
    if (body < k) {
      const int columns = static_cast<int>(k - body);
      for (int r = 0; r < L; ++r) v[r] = r0 + r < rows ? load_part(from[r], columns, S{}) : Vec{};
      transpose<S>(v);
      for (int q = 0; q < columns; ++q, to += width) store(to, v[q]);
    }
  }
}

// One row of pack_across. Lanes past `rows`, up to a whole vector, become zeros.
template <class S, class T> inline void pack_row(const T* from, int rows, S* to, int width) {
  constexpr int L = Simd<S>::L;
  if (width > L && width % L != 0) {
    for (int r = 0; r < width; ++r) to[r] = r < rows ? scalar_as(from[r], S{}) : S{};
    return;
  }
  for (int r = 0; r < width; r += L)
    store(to + r, rows - r >= L ? load_as(from + r, S{})
                  : rows > r    ? load_part(from + r, rows - r, S{})
                                : typename Simd<S>::V{});
}

// src element (r, p) at src[p * ld + r]: copied. Lanes past `rows`, up to a whole vector, become zeros.
template <class S, class T> void pack_across(const T* src, int64_t ld, int rows, int64_t k, S* dst, int width) {
  constexpr int kAhead = 16;  // rows lie too far apart for the processor to foresee the next ones
  for (int64_t p = 0; p < k; ++p) {
    const T* ahead = src + (p + kAhead < k ? p + kAhead : k - 1) * ld;
    for (int r = 0; r < rows; r += 64 / static_cast<int>(sizeof(T))) __builtin_prefetch(ahead + r);
    pack_row<S>(src + p * ld, rows, dst + p * width, width);
  }
}

// Where a strip of a matrix that runs along r goes.
template <class S> struct StripPlace {
  int64_t begin;  // its first column
  int columns, width;
  S* to;
};

// pack_across for the strips s0..s1, which place(s) describes, of a matrix of `total` columns. A few rows of src at a time are read from
// end to end: strip by strip, each line of memory would be fetched once for every strip that it is part of.
template <class S, class T, class F>
void pack_strips(const T* src, int64_t ld, int64_t total, int64_t k, int64_t s0, int64_t s1, const F& place) {
  constexpr int L = Simd<S>::L, kRows = 8;
  for (int64_t p0 = 0; p0 < k; p0 += kRows) {
    const int64_t rows = k - p0 < kRows ? k - p0 : kRows;
    const bool end = p0 + kRows >= k;
    const int64_t ahead = p0 + 2 * kRows <= k ? kRows * ld : 0;
    for (int64_t s = s0; s < s1; ++s) {
      const StripPlace<S> strip = place(s);
      const T* from = src + p0 * ld + strip.begin;
      const int64_t width = strip.width;
      S* to = strip.to + p0 * width;
      if (width == 2 * L && strip.columns == 2 * L) {
        for (int64_t p = 0; p < rows; ++p, from += ld, to += width) {
          __builtin_prefetch(from + ahead);
          if (sizeof(T) * L >= 64) __builtin_prefetch(from + ahead + L);
          const auto low = load_as(from, S{}), high = load_as(from + L, S{});
          store(to, low);
          store(to + L, high);
        }
      } else {
        // A vector may spill over into the next row, which is written next; but not where that is another thread's.
        const int64_t exact = end && width % L != 0 ? 1 : 0;
        if (width <= L && strip.begin + L <= total) {  // lanes past the strip's columns are never used
          for (int64_t p = exact; p < rows; ++p, from += ld, to += width) {
            __builtin_prefetch(from + ahead);
            store(to, load_as(from, S{}));
          }
        } else {
          for (int64_t p = exact; p < rows; ++p, from += ld, to += width) pack_row<S>(from, strip.columns, to, strip.width);
        }
        if (exact)
          for (int r = 0; r < strip.width; ++r) to[r] = r < strip.columns ? scalar_as(from[r], S{}) : S{};
      }
    }
  }
}

}  // namespace KG_NS
