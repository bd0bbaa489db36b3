// logsumexp of "reduce": y[o][j] = m + log(sum over r of exp(x[o][r][j] - m)), m the largest x.
//
// Where m is infinite it is replaced by 0, so that all -infinity gives -infinity and a +infinity gives +infinity.
// n = 0 gives -infinity. Threads take rows, or strips of columns.
#include "parallel.h"
#include "reduce_ops.h"
#include "softmax.h"

namespace KG_NS {
namespace {

template <class V, class A> V finite_or_zero(V m, A infinity) { return vabs(m) == infinity ? V{} : m; }

template <class T> T logsumexp_row(const T* x, int64_t n) {
  using E = Element<T>;
  const auto m = finite_or_zero(E::all(row_max(x, n)), std::numeric_limits<typename E::A>::infinity());
  const auto s = row_sum<E>(n, [&](int64_t i, int64_t count) { return vexp(load_count(x + i, count) - m); });
  return E::from_scalar((vlog(E::all(s)) + m)[0]);
}

template <class T> void logsumexp_columns(const T* x, T* y, int64_t n, int64_t inner, int64_t count) {
  using E = Element<T>;
  using V = typename E::V;
  const auto infinity = std::numeric_limits<typename E::A>::infinity();
  V m = E::all(-infinity), s = {};
  for (int64_t r = 0; r < n; ++r) m = vmax(load_count(x + r * inner, count), m);
  m = finite_or_zero(m, infinity);
  for (int64_t r = 0; r < n; ++r) s += vexp(load_count(x + r * inner, count) - m);
  const V v = vlog(s) + m;
  if (count == E::kN)
    E::store(y, v);
  else
    E::store_n(y, v, count);
}

}  // namespace

void reduce_logsumexp(const Call& call, int64_t outer, int64_t n, int64_t inner) {
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    using E = Element<T>;
    const T* x = input<T>(call, 0, outer * n * inner);
    T* y = output<T>(call, 0, outer * inner);
    if (n == 0) {
      for (int64_t k = 0; k < outer * inner; ++k) y[k] = E::from_scalar(-std::numeric_limits<typename E::A>::infinity());
      return;
    }
    if (inner == 1)
      return parallel_range(outer, softmax_grain(n), [=](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) y[o] = logsumexp_row(x + o * n, n);
      });
    const int64_t strips = (inner + E::kN - 1) / E::kN;
    parallel_range(outer * strips, softmax_grain(n * E::kN), [=](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t j = task % strips * E::kN, o = task / strips;
        logsumexp_columns(x + o * n * inner + j, y + o * inner + j, n, inner, inner - j < E::kN ? inner - j : int64_t(E::kN));
      }
    });
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS
