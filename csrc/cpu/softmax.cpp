// softmax:     y = exp(x - m) / s,      m = max over r of x, s = sum over r of exp(x - m)
// log_softmax: y = x - m - log(s)
//
// x and y are (outer, n, inner) and the axis is the middle one; y may be x. inputs x; outputs y; ints outer, n, inner.
// float32, float64, float16 and bfloat16, the halves computed in float. A row that is all -infinity, or that holds a
// NaN or +infinity, gives NaN, as exp(x - m) does.
//
// inner = 1: rows, softmax_rows.h. inner > 1: strips of columns, three passes (largest, sum, write). Threads take fixed groups of
// rows or strips.

#include "parallel.h"
#include "softmax_rows.h"

namespace KG_NS {
namespace {

constexpr int kStripVectors = 4;

// Columns [0, width) of an (n, inner) matrix; width <= kStripVectors vectors.
template <bool kLog, class T> void softmax_columns(const T* x, T* y, int64_t n, int64_t inner, int64_t width) {
  using E = Element<T>;
  using V = typename E::V;
  V m[kStripVectors], s[kStripVectors] = {};
  for (auto& v : m) v = E::all(-std::numeric_limits<typename E::A>::infinity());
  const auto each = [&](auto&& f) {
    for (int64_t r = 0; r < n; ++r)
      for (int64_t j = 0, k = 0; j < width; j += E::kN, ++k)
        f(r * inner + j, int(k), width - j < E::kN ? width - j : int64_t(E::kN));
  };
  each([&](int64_t i, int k, int64_t count) { m[k] = vmax(load_count(x + i, count), m[k]); });
  each([&](int64_t i, int k, int64_t count) { s[k] += vexp(load_count(x + i, count) - m[k]); });
  for (auto& v : s) v = kLog ? vlog(v) : 1 / v;
  each([&](int64_t i, int k, int64_t count) {
    const V d = load_count(x + i, count) - m[k];
    const V v = kLog ? d - s[k] : vexp(d) * s[k];
    if (count == E::kN)
      E::store(y + i, v);
    else
      E::store_n(y + i, v, count);
  });
}

KG_INTS(SoftmaxInts, outer, n, inner);

template <bool kLog> void run(const Call& call) {
  expect(call, 1, 1, 3, 0);
  const auto p = ints<SoftmaxInts>(call);
  const int64_t outer = p.outer, n = p.n, inner = p.inner;
  const int64_t count = checked_mul(call, checked_mul(call, outer, n), inner);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    const T* x = input<T>(call, 0, count);
    T* y = output<T>(call, 0, count);
    if (count == 0) return;
    if (inner == 1) {
      const SoftmaxRows<T, kLog> rows(x, y, outer, n);
      return parallel_range(outer, rows_grain<T>(outer, n), [&](int64_t begin, int64_t end) { rows.run(begin, end); });
    }
    const int64_t strip = kStripVectors * Element<T>::kN, strips = (inner + strip - 1) / strip;
    parallel_range(outer * strips, softmax_grain(n * (inner < strip ? inner : strip)), [=](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t j = task % strips * strip, at = task / strips * n * inner + j;
        softmax_columns<kLog>(x + at, y + at, n, inner, inner - j < strip ? inner - j : strip);
      }
    });
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace

void softmax(const Call& call) { run<false>(call); }
void log_softmax(const Call& call) { run<true>(call); }

}  // namespace KG_NS

KG_REGISTER(softmax, SoftmaxInts::names);
KG_REGISTER(log_softmax, SoftmaxInts::names);
KG_IN_PLACE(softmax, out == 0 && in == 0);
KG_IN_PLACE(log_softmax, out == 0 && in == 0);
