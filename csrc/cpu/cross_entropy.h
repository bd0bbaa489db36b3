// Shared by the cross-entropy kernels: one row of logits to probabilities and its log-sum.
#pragma once
#include "softmax.h"

namespace KG_NS {

// p = softmax(x) for a row of n >= 1 logits; returns log(sum(exp(x))) as largest + log(rest), kept apart for accuracy.
template <class A> struct LogSum {
  A largest, rest;
};
template <class T> inline LogSum<typename Element<T>::A> softmax_and_log_sum(const T* x, T* p, int64_t n) {
  using E = Element<T>;
  const auto largest = row_max(x, n);
  const auto m = E::all(largest);
  constexpr bool keep = sizeof(T) >= 4;  // half types would round the exponentials: compute them twice
  const auto s = row_sum<E>(n, [&](int64_t i, int64_t count) {
    const auto e = vexp(load_count(x + i, count) - m);
    if constexpr (keep) {
      if (count == E::kN)
        E::store(p + i, e);
      else
        E::store_n(p + i, e, count);
    }
    return e;
  });
  const auto scale = 1 / E::all(s);
  row_store(p, n, [&](int64_t i, int64_t count) {
    if constexpr (keep)
      return load_count(p + i, count) * scale;
    else
      return vexp(load_count(x + i, count) - m) * scale;
  });
  return {largest, vlog(E::all(s))[0]};
}

template <class T> inline void fill_nan(T* p, int64_t n) {
  const T nan = Element<T>::from_scalar(std::numeric_limits<typename Element<T>::A>::quiet_NaN());
  for (int64_t i = 0; i < n; ++i) p[i] = nan;
}

}  // namespace KG_NS
