// What layer_norm and layer_norm_grad share: their parameters, and how many rows a thread takes.
#pragma once
#include "norm.h"

namespace KG_NS {

KG_INTS(LayerNormInts, rows, n, gamma, beta, centered);
KG_INTS(LayerNormGradInts, rows, n, gamma, sums, centered);

struct RowNorm {
  int64_t rows, n;
  bool scaled, centered;  // gamma and the mean are there

  // given: LayerNormInts or LayerNormGradInts.
  template <class P> RowNorm(const Call& call, const P& given)
      : rows(given.rows), n(given.n), scaled(given.gamma != 0), centered(given.centered != 0) {
    checked_mul(call, checked_mul(call, at_least(rows, 1), at_least(n, 1)), 64);
    if (rows < 0 || n < 0) fail(call, "size", rows < n ? rows : n, 0);
  }
  int64_t saved() const { return centered ? 3 * rows : rows; }
};

}  // namespace KG_NS
