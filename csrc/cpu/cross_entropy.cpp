// softmax_cross_entropy:      loss[r] = sum over c of t[r][c] (log(sum(exp(x[r]))) - x[r][c]),  p = softmax(x)
// softmax_cross_entropy_grad: gx[r][c] = (p[r][c] sum(t[r]) - t[r][c]) g[r]
//
//   forward   inputs logits x, targets t (rows, cols) of one float dtype; outputs loss (rows), p (rows, cols)
//   backward  inputs p, t, g (rows); outputs gx (rows, cols), which may be p or t
//   ints      rows, cols
//
// Targets are any weights: one-hot, smoothed, or not summing to one. A target of 0 contributes 0 also where the logit is
// -infinity. Threads take fixed groups of rows.
#include "cross_entropy.h"
#include "row_gradient.h"

namespace KG_NS {
namespace {

// sum over c of t (largest - x + rest) for each of some rows.
template <class T> struct Losses {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  const SoftmaxRows<T, false>& softmax;
  const T *x, *t;
  T* loss;

  static V term(V weight, V x, V largest, V rest) {
    const V v = weight * ((largest - x) + rest);
    return weight == 0 ? V{} : v;
  }
  // NaN logits must show even where every target is 0.
  static T shown(A total, A rest) { return E::from_scalar(rest == rest ? total : rest); }

  void row(int64_t r, int64_t ahead, A largest, A rest) const {
    const int64_t n = softmax.n;
    const T *logits = x + r * n, *target = t + r * n;
    const V m = E::all(largest), add = E::all(rest);
    loss[r] = shown(row_sum<E>(n,
                               [=](int64_t i, int64_t count) {
                                 fetch_line(target + ahead * n + i);
                                 return term(load_count(target + i, count), load_count(logits + i, count), m, add);
                               }),
                    rest);
  }
  // kN short rows, or fewer: those have memory of their own, for their bits are not to depend on how many there are.
  void group(int64_t r, int64_t rows, const A* largest, const A* rest) const {
    const auto& shorts = softmax.shorts;
    const int64_t n = softmax.n;
    const T *logits = x + r * n, *target = t + r * n;
    alignas(64) A terms[ShortRows<T>::kSize], total[E::kN];
    T own[2][ShortRows<T>::kSize];
    if (rows < E::kN) {
      std::memset(own, 0, sizeof(own));
      std::memcpy(own[0], logits, static_cast<size_t>(rows * n) * sizeof(T));
      std::memcpy(own[1], target, static_cast<size_t>(rows * n) * sizeof(T));
      logits = own[0];
      target = own[1];
    }
    const V m = Element<A>::load(largest), add = Element<A>::load(rest);
    shorts.each([&, n](int64_t i) {
      fetch_line(target + kMostTogether<T> * n + i);
      Element<A>::store(terms + i, term(E::load(target + i), E::load(logits + i), shorts.spread(m, i), shorts.spread(add, i)));
    });
    Element<A>::store(total, shorts.template fold<A>(Add(), 0, [&](int64_t i, const auto& load) { return load(terms + i); }));
    for (int64_t k = 0; k < rows; ++k) loss[r + k] = shown(total[k], rest[k]);
  }
};

template <class T> void forward(const Call& call, int64_t rows, int64_t cols) {
  using E = Element<T>;
  const int64_t count = checked_mul(call, rows, cols);
  const T *x = input<T>(call, 0, count), *t = input<T>(call, 1, count);
  T *loss = output<T>(call, 0, rows), *p = output<T>(call, 1, count);
  const SoftmaxRows<T, false> softmax(x, p, rows, cols);
  const Losses<T> losses{softmax, x, t, loss};
  softmax_and_log_sums(softmax, rows, [&](int64_t r, int64_t some, const auto* largest, const auto* rest) {
    if (cols <= ShortRows<T>::kMost)
      for (int64_t k = 0; k < some; k += E::kN) losses.group(r + k, some - k < E::kN ? some - k : E::kN, largest + k, rest + k);
    else
      for (int64_t k = 0; k < some; ++k) losses.row(r + k, some, largest[k], rest[k]);
  });
}

struct Gradient {
  template <class V> static V add(V, V t) { return t; }
  template <class V> static V map(V p, V t, V total, V g) { return (p * total - t) * g; }
};

template <class T> void backward(const Call& call, int64_t rows, int64_t cols) {
  const int64_t count = checked_mul(call, rows, cols);
  const T *p = input<T>(call, 0, count), *t = input<T>(call, 1, count), *g = input<T>(call, 2, rows);
  row_gradient<Gradient>(p, t, g, output<T>(call, 0, count), rows, cols);
}

KG_INTS(CrossEntropyInts, rows, cols);

}  // namespace

void softmax_cross_entropy(const Call& call) {
  expect(call, 2, 2, 2, 0);
  const auto p = ints<CrossEntropyInts>(call);
  if (p.cols < 1) fail(call, "classes", p.cols, 1);
  const bool known = for_float_dtype(
      call.in[0].dtype, [&](auto* type) { forward<typename std::remove_pointer<decltype(type)>::type>(call, p.rows, p.cols); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

void softmax_cross_entropy_grad(const Call& call) {
  expect(call, 3, 1, 2, 0);
  const auto p = ints<CrossEntropyInts>(call);
  if (p.cols < 1) fail(call, "classes", p.cols, 1);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    backward<typename std::remove_pointer<decltype(type)>::type>(call, p.rows, p.cols);
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(softmax_cross_entropy, CrossEntropyInts::names);
KG_REGISTER(softmax_cross_entropy_grad, CrossEntropyInts::names);
KG_IN_PLACE(softmax_cross_entropy_grad, out == 0 && in <= 1);
