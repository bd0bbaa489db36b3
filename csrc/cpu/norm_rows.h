// What layer_norm and layer_norm_grad share: their parameters, and how many rows a thread takes.
#pragma once
#include "norm.h"

namespace KG_NS {

struct RowNorm {
  int64_t rows, n;
  bool scaled, shifted, centered;  // gamma, beta and the mean are there

  explicit RowNorm(const Call& call)
      : rows(call.i[0]), n(call.i[1]), scaled(call.i[2] != 0), shifted(call.i[3] != 0), centered(call.i[4] != 0) {
    checked_mul(call, checked_mul(call, at_least(rows, 1), at_least(n, 1)), 64);
    if (rows < 0 || n < 0) fail(call, "size", rows < n ? rows : n, 0);
  }
  int64_t saved() const { return centered ? 3 * rows : rows; }
};

}  // namespace KG_NS
