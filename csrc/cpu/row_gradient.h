// Gradients that are a sum over each row and then a map of its elements: a, b (rows, n) -> y (rows, n),
//   s = sum over c of rule.add(a, b),  y = rule.map(a, b, s, w), w a number per row.
// Rows of at most 64 elements are taken kN at a time (row_fold.h), others one by one, the next one being fetched meanwhile. A
// row's sum is added in an order that follows from n alone. y may be a or b.
#pragma once
#include "parallel.h"
#include "row_fold.h"

namespace KG_NS {

template <class T, class Rule> struct RowGradient {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  using Short = ShortRows<T>;
  const T *a, *b, *w;  // w null: all 0
  T* y;
  int64_t n;
  bool past;
  Short shorts;

  RowGradient(const T* a_, const T* b_, const T* w_, T* y_, int64_t rows, int64_t n_)
      : a(a_), b(b_), w(w_), y(y_), n(n_), past(past_cache<T>(rows * n_)), shorts(n_ <= Short::kMost ? n_ : 0) {}

  void run(int64_t begin, int64_t end) const {
    int64_t r = begin;
    if (n <= Short::kMost) {
      for (; r + E::kN <= end; r += E::kN) group(a + r * n, b + r * n, w ? w + r : nullptr, y + r * n);
      if (r < end) rest(r, end - r);
    } else {
      for (; r < end; ++r) row(r, r + 1 < end);
    }
    if (past) end_stream();
  }

 private:
  void group(const T* a, const T* b, const T* w, T* y) const {
    const V s =
        shorts.template fold<T>(Add(), 0, [=](int64_t i, const auto& load) { return Rule::add(load(a + i), load(b + i)); });
    const V weight = w ? E::load(w) : V{};
    const bool aligned = past && reinterpret_cast<uintptr_t>(y) % kVecBytes == 0;
    const int64_t later = E::kN * n;
    shorts.each([&, a, b, y](int64_t i) {
      fetch_line(a + later + i);
      fetch_line(b + later + i);
      store_past(y + i, Rule::map(E::load(a + i), E::load(b + i), shorts.spread(s, i), shorts.spread(weight, i)), E::kN,
                 aligned);
    });
  }

  // Fewer rows than a group, in a group of their own.
  void rest(int64_t r, int64_t rows) const {
    T from_a[Short::kSize] = {}, from_b[Short::kSize] = {}, weight[E::kN] = {}, to[Short::kSize];
    const size_t bytes = static_cast<size_t>(rows * n) * sizeof(T);
    std::memcpy(from_a, a + r * n, bytes);
    std::memcpy(from_b, b + r * n, bytes);
    if (w) std::memcpy(weight, w + r, static_cast<size_t>(rows) * sizeof(T));
    RowGradient copy = *this;
    copy.past = false;
    copy.group(from_a, from_b, weight, to);
    std::memcpy(y + r * n, to, bytes);
  }

  void row(int64_t r, bool more) const {
    const int64_t n = this->n, next = more && n <= 2048 ? n : 0;  // longer rows would not fit beside it
    const T *a = this->a + r * n, *b = this->b + r * n;
    const V s = E::all(
        row_sum<E>(n, [=](int64_t i, int64_t count) { return Rule::add(load_count(a + i, count), load_count(b + i, count)); }));
    const V weight = w ? E::all(E::to_scalar(w[r])) : V{};
    row_store_past(y + r * n, n, past, [=](int64_t i, auto count) {
      fetch_line(a + next + i);  // this pass waits for no memory: let the next row come meanwhile
      fetch_line(b + next + i);
      return Rule::map(load_count(a + i, count), load_count(b + i, count), s, weight);
    });
  }
};

template <class Rule, class T> void row_gradient(const T* a, const T* b, const T* w, T* y, int64_t rows, int64_t n) {
  const RowGradient<T, Rule> work(a, b, w, y, rows, n);
  parallel_range(rows, 4 * rows_grain<T>(rows, n), [&](int64_t begin, int64_t end) { work.run(begin, end); });
}

}  // namespace KG_NS
