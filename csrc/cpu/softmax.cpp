// softmax:     y = exp(x - m) / s,      m = max over r of x, s = sum over r of exp(x - m)
// log_softmax: y = x - m - log(s)
//
// x and y are (outer, n, inner) and the axis is the middle one; y may be x. inputs x; outputs y; ints outer, n, inner.
// float32, float64, float16 and bfloat16, the halves computed in float. A row that is all -infinity, or that holds a
// NaN or +infinity, gives NaN, as exp(x - m) does.
//
// inner = 1: a row at a time, three passes (largest, sum, write); rows of at most 12 elements, which would leave most lanes and
// most of each horizontal sum idle, are turned so that a vector holds one element of many rows. inner > 1: strips of columns, the
// same three passes. Threads take fixed groups of rows or strips.
#include "softmax.h"

#include "parallel.h"

namespace KG_NS {
namespace {

template <bool kLog, class T> void softmax_row(const T* x, T* y, int64_t n) {
  using E = Element<T>;
  const auto m = E::all(row_max(x, n));
  if constexpr (kLog) {
    const auto s = row_sum<E>(n, [&](int64_t i, int64_t count) { return vexp(load_count(x + i, count) - m); });
    const auto log_s = vlog(E::all(s));
    row_store(y, n, [&](int64_t i, int64_t count) { return (load_count(x + i, count) - m) - log_s; });
  } else if constexpr (sizeof(T) >= 4) {
    const auto s = row_sum<E>(n, [&](int64_t i, int64_t count) {
      const auto e = vexp(load_count(x + i, count) - m);
      if (count == E::kN)
        E::store(y + i, e);
      else
        E::store_n(y + i, e, count);
      return e;
    });
    const auto scale = 1 / E::all(s);
    row_store(y, n, [&](int64_t i, int64_t count) { return load_count(y + i, count) * scale; });
  } else {  // half types would round the exponentials: compute them twice
    const auto s = row_sum<E>(n, [&](int64_t i, int64_t count) { return vexp(load_count(x + i, count) - m); });
    const auto scale = 1 / E::all(s);
    row_store(y, n, [&](int64_t i, int64_t count) { return vexp(load_count(x + i, count) - m) * scale; });
  }
}

constexpr int64_t kShortRow = 12;

// Up to kN rows of n <= kShortRow elements, a lane each. Rows past the end repeat the last one and are not stored.
template <bool kLog, class T> void softmax_short(const T* x, T* y, int64_t n, int64_t rows) {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  using N = Element<A>;
  alignas(64) A turned[kShortRow * E::kN];
  for (int64_t r = 0; r < E::kN; ++r) {
    const T* row = x + (r < rows ? r : rows - 1) * n;
    for (int64_t c = 0; c < n; ++c) turned[c * E::kN + r] = E::to_scalar(row[c]);
  }
  V m = N::load(turned), s = {};
  for (int64_t c = 1; c < n; ++c) m = vmax(N::load(turned + c * E::kN), m);
  for (int64_t c = 0; c < n; ++c) {
    const V d = N::load(turned + c * E::kN) - m, e = vexp(d);
    s += e;
    N::store(turned + c * E::kN, kLog ? d : e);
  }
  const V last = kLog ? vlog(s) : 1 / s;
  for (int64_t c = 0; c < n; ++c) {
    const V v = N::load(turned + c * E::kN);
    N::store(turned + c * E::kN, kLog ? v - last : v * last);
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < n; ++c) y[r * n + c] = E::from_scalar(turned[c * E::kN + r]);
}

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

template <bool kLog> void run(const Call& call) {
  expect(call, 1, 1, 3, 0);
  const int64_t outer = call.i[0], n = call.i[1], inner = call.i[2];
  const int64_t count = checked_mul(call, checked_mul(call, outer, n), inner);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    const T* x = input<T>(call, 0, count);
    T* y = output<T>(call, 0, count);
    if (count == 0) return;
    if (inner == 1 && n <= kShortRow) {
      constexpr int64_t lanes = Element<T>::kN;
      return parallel_range(outer, softmax_grain(n) * 4 / lanes * lanes, [=](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; o += lanes)
          softmax_short<kLog>(x + o * n, y + o * n, n, end - o < lanes ? end - o : lanes);
      });
    }
    if (inner == 1)
      return parallel_range(outer, softmax_grain(n), [=](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) softmax_row<kLog>(x + o * n, y + o * n, n);
      });
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

KG_REGISTER(softmax);
KG_REGISTER(log_softmax);
