// softmax_grad:     gx = y (gy - sum over r of gy y)
// log_softmax_grad: gx = gy - exp(y) sum over r of gy
//
// All are (outer, n, inner) with the axis in the middle. inputs y, gy (y: the result of the forward kernel); outputs gx, which
// may be gy or y; ints outer, n, inner. Dtypes and threads as in softmax.cpp.
#include "row_gradient.h"

namespace KG_NS {
namespace {

template <bool kLog> struct Gradient {
  template <class V> static V add(V y, V g) { return kLog ? g : g * y; }
  template <class V> static V map(V y, V g, V s, V = V{}) {
    if constexpr (kLog)
      return g - vexp(y) * s;
    else
      return y * (g - s);
  }
};

constexpr int kStripVectors = 4;

template <bool kLog, class T> void grad_columns(const T* y, const T* g, T* gx, int64_t n, int64_t inner, int64_t width) {
  using E = Element<T>;
  using V = typename E::V;
  V s[kStripVectors] = {};
  const auto each = [&](auto&& f) {
    for (int64_t r = 0; r < n; ++r)
      for (int64_t j = 0, k = 0; j < width; j += E::kN, ++k)
        f(r * inner + j, int(k), width - j < E::kN ? width - j : int64_t(E::kN));
  };
  each([&](int64_t i, int k, int64_t count) {
    s[k] += Gradient<kLog>::add(load_count(y + i, count), load_count(g + i, count));
  });
  each([&](int64_t i, int k, int64_t count) {
    const V v = Gradient<kLog>::map(load_count(y + i, count), load_count(g + i, count), s[k]);
    if (count == E::kN)
      E::store(gx + i, v);
    else
      E::store_n(gx + i, v, count);
  });
}

KG_INTS(SoftmaxInts, outer, n, inner);

template <bool kLog> void run(const Call& call) {
  expect(call, 2, 1, 3, 0);
  const auto p = ints<SoftmaxInts>(call);
  const int64_t outer = p.outer, n = p.n, inner = p.inner;
  const int64_t count = checked_mul(call, checked_mul(call, outer, n), inner);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    const T *y = input<T>(call, 0, count), *g = input<T>(call, 1, count);
    T* gx = output<T>(call, 0, count);
    if (count == 0) return;
    if (inner == 1) return row_gradient<Gradient<kLog>>(y, g, static_cast<const T*>(nullptr), gx, outer, n);
    const int64_t strip = kStripVectors * Element<T>::kN, strips = (inner + strip - 1) / strip;
    parallel_range(outer * strips, 4 * softmax_grain(n * (inner < strip ? inner : strip)), [=](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t j = task % strips * strip, at = task / strips * n * inner + j;
        grad_columns<kLog>(y + at, g + at, gx + at, n, inner, inner - j < strip ? inner - j : strip);
      }
    });
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace

void softmax_grad(const Call& call) { run<false>(call); }
void log_softmax_grad(const Call& call) { run<true>(call); }

}  // namespace KG_NS

KG_REGISTER(softmax_grad, SoftmaxInts::names);
KG_REGISTER(log_softmax_grad, SoftmaxInts::names);
KG_IN_PLACE(softmax_grad, out == 0 && in <= 1);
KG_IN_PLACE(log_softmax_grad, out == 0 && in <= 1);
