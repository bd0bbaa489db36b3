// softmax_cross_entropy:      loss[r] = sum over c of t[r][c] (log(sum(exp(x[r]))) - x[r][c]),  p = softmax(x)
// softmax_cross_entropy_grad: gx[r][c] = (p[r][c] sum(t[r]) - t[r][c]) g[r]
//
//   forward   inputs logits x, targets t (rows, cols) of one float dtype; outputs loss (rows), p (rows, cols)
//   backward  inputs p, t, g (rows); outputs gx (rows, cols), which may be p
//   ints      rows, cols
//
// Targets are any weights: one-hot, smoothed, or not summing to one. A target of 0 contributes 0 also where the logit is
// -infinity. Threads take fixed groups of rows.
#include "cross_entropy.h"

#include "parallel.h"

namespace KG_NS {
namespace {

template <class T> void forward(const Call& call, int64_t rows, int64_t cols) {
  using E = Element<T>;
  using V = typename E::V;
  const int64_t count = checked_mul(call, rows, cols);
  const T *x = input<T>(call, 0, count), *t = input<T>(call, 1, count);
  T *loss = output<T>(call, 0, rows), *p = output<T>(call, 1, count);
  parallel_range(rows, softmax_grain(cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T *logits = x + r * cols, *target = t + r * cols;
      const auto sum = softmax_and_log_sum(logits, p + r * cols, cols);
      const V m = E::all(sum.largest), rest = E::all(sum.rest);
      const auto total = row_sum<E>(cols, [&](int64_t i, int64_t n) {
        const V weight = load_count(target + i, n);
        const V term = weight * ((m - load_count(logits + i, n)) + rest);
        return weight == 0 ? V{} : term;
      });
      // NaN logits must show even where every target is 0.
      loss[r] = E::from_scalar(sum.rest == sum.rest ? total : sum.rest);
    }
  });
}

template <class T> void backward(const Call& call, int64_t rows, int64_t cols) {
  using E = Element<T>;
  const int64_t count = checked_mul(call, rows, cols);
  const T *p = input<T>(call, 0, count), *t = input<T>(call, 1, count), *g = input<T>(call, 2, rows);
  T* gx = output<T>(call, 0, count);
  parallel_range(rows, 16384 / (cols + 8) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T *probability = p + r * cols, *target = t + r * cols;
      const auto total = E::all(row_sum<E>(cols, [&](int64_t i, int64_t n) { return load_count(target + i, n); }));
      const auto scale = E::all(E::to_scalar(g[r]));
      row_store(gx + r * cols, cols, [&](int64_t i, int64_t n) {
        return (load_count(probability + i, n) * total - load_count(target + i, n)) * scale;
      });
    }
  });
}

}  // namespace

void softmax_cross_entropy(const Call& call) {
  expect(call, 2, 2, 2, 0);
  if (call.i[1] < 1) fail(call, "classes", call.i[1], 1);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    forward<typename std::remove_pointer<decltype(type)>::type>(call, call.i[0], call.i[1]);
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

void softmax_cross_entropy_grad(const Call& call) {
  expect(call, 3, 1, 2, 0);
  if (call.i[1] < 1) fail(call, "classes", call.i[1], 1);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    backward<typename std::remove_pointer<decltype(type)>::type>(call, call.i[0], call.i[1]);
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(softmax_cross_entropy);
KG_REGISTER(softmax_cross_entropy_grad);
