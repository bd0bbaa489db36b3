// Shared by the cross-entropy kernels: logits to probabilities, and the log-sum of each row.
#pragma once
#include "parallel.h"
#include "softmax_rows.h"

namespace KG_NS {

template <class T> constexpr int64_t kMostTogether = 4 * Element<T>::kN;

// Takes the softmax of all rows; for a few at a time, while they are in the cache,
// done(first row, rows, largest, rest): log(sum(exp(x))) of a row is largest + rest, kept apart for accuracy.
template <class T, class Done> inline void softmax_and_log_sums(const SoftmaxRows<T, false>& softmax, int64_t rows,
                                                                const Done& done) {
  using E = Element<T>;
  using A = typename E::A;
  using N = Element<A>;
  constexpr int64_t kMost = kMostTogether<T>;
  const int64_t n = softmax.n, some = n <= 64 ? kMost : n <= 512 ? 4 : 1;
  parallel_range(rows, rows_grain<T>(rows, n), [&](int64_t begin, int64_t end) {
    alignas(64) A largest[kMost] = {}, rest[kMost] = {};
    for (int64_t r = begin; r < end; r += some) {
      const int64_t last = end - r < some ? end : r + some;
      softmax.run(r, last, largest, rest);
      for (int64_t k = 0; k < last - r; k += E::kN) N::store(rest + k, vlog(N::load(rest + k)));
      done(r, last - r, largest, rest);
    }
  });
}

template <class T> inline void fill_nan(T* p, int64_t n) {
  const T nan = Element<T>::from_scalar(std::numeric_limits<typename Element<T>::A>::quiet_NaN());
  for (int64_t i = 0; i < n; ++i) p[i] = nan;
}

}  // namespace KG_NS
