// GEMM with few rows of A and B stored by columns (trans_b): both run along k, so each element of C is a dot product and
// nothing is packed. L dot products at a time: 1 x L for one row of A, else 2 x L/2 or 4 x L/4.
#pragma once
#include "gemm_micro.h"

namespace KG_NS {

constexpr int kDotRows = kVecBytes >= 64 ? 4 : 2;

// Rows i0..i1 and columns j0..j1 of C. A row starts at a + i * lda, column j of B at b + j * ldb.
template <class S, int R>
void dot_rows(int64_t i0, int64_t i1, int64_t j0, int64_t j1, int64_t k, const S* a, int64_t lda, const S* b, int64_t ldb, S* c,
              int64_t ldc, const Epilogue<S>& e) {
  using Vec = typename Simd<S>::V;
  constexpr int L = Simd<S>::L;
  constexpr int J = L / R;
  const int64_t body = k / L * L;
  const Mask<S> mask(k - body);
  for (int64_t j = j0; j < j1; j += J) {  // columns of B stay in the first cache level, rows of A in the second
    const S* bp[J];
    for (int q = 0; q < J; ++q) bp[q] = b + (j + q < j1 ? j + q : j1 - 1) * ldb;
    for (int64_t i = i0; i < i1; i += R) {
      const S* ap[R];
      for (int r = 0; r < R; ++r)
        ap[r] = a + (i + r < i1 ? i + r : i1 - 1) * lda;  // a repeated row stands in for a missing one
      Vec sum[L];
#pragma GCC unroll 16
      for (int l = 0; l < L; ++l) sum[l] = Vec{};
      for (int64_t p = 0; p < body; p += L) {
        Vec av[R];
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) av[r] = load<Vec>(ap[r] + p);
#pragma GCC unroll 16
        for (int q = 0; q < J; ++q) {
          const Vec bv = load<Vec>(bp[q] + p);
#pragma GCC unroll 4
          for (int r = 0; r < R; ++r) sum[r * J + q] = fma(av[r], bv, sum[r * J + q]);
        }
      }
      if (body < k) {
        Vec av[R];
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) av[r] = mask.load(ap[r] + body);
#pragma GCC unroll 16
        for (int q = 0; q < J; ++q) {
          const Vec bv = mask.load(bp[q] + body);
#pragma GCC unroll 4
          for (int r = 0; r < R; ++r) sum[r * J + q] = fma(av[r], bv, sum[r * J + q]);
        }
      }
      S lane[L];
      store(lane, sum_each<S>(sum));
      const int rows = i1 - i < R ? static_cast<int>(i1 - i) : R;
      const int columns = j1 - j < J ? static_cast<int>(j1 - j) : J;
      for (int r = 0; r < rows; ++r)
        for (int q = 0; q < columns; ++q) {
          S& to = c[(i + r) * ldc + j + q];
          to = finish_scalar(lane[r * J + q], e, i + r, j + q, ldc, to);
        }
    }
  }
}

template <class S>
void dot_block(int64_t i0, int64_t i1, int64_t j0, int64_t j1, int64_t m, int64_t k, const S* a, int64_t lda, const S* b,
               int64_t ldb, S* c, int64_t ldc, const Epilogue<S>& e) {
  if (m == 1)
    dot_rows<S, 1>(i0, i1, j0, j1, k, a, lda, b, ldb, c, ldc, e);
  else
    dot_rows<S, (Simd<S>::L >= 8 ? kDotRows : 1)>(i0, i1, j0, j1, k, a, lda, b, ldb, c, ldc, e);
}

}  // namespace KG_NS
