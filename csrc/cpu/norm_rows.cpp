// layer_norm: y = gamma (x - mean) / sqrt(variance + epsilon) + beta for each row (Ba, Kiros and Hinton 2016), or, not centered,
//             y = gamma x / sqrt(mean(x^2) + epsilon) + beta (RMS normalization, Zhang and Sennrich 2019)
//
//   inputs   x (rows, n), then those given of gamma, beta (n)
//   outputs  y (rows, n), saved: 1 / sqrt(...) (rows), and when centered after that the mean (rows) and what rounding took from it
//   ints     rows, n, then 1 or 0 for gamma, beta, centered; floats epsilon
//
// x and y are of one float dtype, all else is float32 (double for double). Three passes over a row, which stays in the cache: its
// mean, the sums of d = x - mean and of d^2, the result; memory is read once and written once. The variance is
// mean(d^2) - mean(d)^2, where mean(d) is what rounding took from the mean. y may be x. Four rows are walked at a time, and share
// the loads of gamma and beta. Threads take fixed groups of rows.
#include "norm_rows.h"

#include <cmath>

namespace KG_NS {
namespace {

template <class T, bool kCentered> struct Rows {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  const T* x;
  const A *gamma, *beta;
  T* y;
  A* saved;
  int64_t rows, n;
  A epsilon;
  bool past_cache = streams(y, rows* n, n);

  // f(i, count) over [begin, end).
  template <class F> static void each(int64_t begin, int64_t end, const F& f) {
    int64_t i = begin;
    for (; i + E::kN <= end; i += E::kN) f(i, std::integral_constant<int64_t, E::kN>());
    if (i < end) f(i, end - i);
  }

  // Locals throughout: what `this` points to would be read again after every store.
  template <int R, bool kScaled, bool kShifted> void some(int64_t r, bool more) const {
    const int64_t n = this->n;
    const T *in = x + r * n, *next = more ? in + R * n : in;
    V center[R], scale[R], shift[R];
    A mean[R] = {};
    if constexpr (kCentered) {
      V total[R] = {};
      for (int64_t block = 0; block < n; block += 1024) {  // blocks keep rounding errors small
        V s[R] = {};
        each(block, at_most(n, block + 1024), [&](int64_t i, auto count) {
          for (int k = 0; k < R; ++k) s[k] += load_count(in + k * n + i, count);
        });
        for (int k = 0; k < R; ++k) total[k] += s[k];
      }
      for (int k = 0; k < R; ++k) mean[k] = fold_sum(total[k]) / A(n);
    }
    for (int k = 0; k < R; ++k) center[k] = E::all(mean[k]);
    V s_total[R] = {}, q_total[R] = {};
    for (int64_t block = 0; block < n; block += 1024) {
      V s[R] = {}, q[R] = {};
      each(block, at_most(n, block + 1024), [&](int64_t i, auto count) {
        for (int k = 0; k < R; ++k) {
          // This pass waits for no memory: let the next rows come meanwhile.
          __builtin_prefetch(next + i * R + k * E::kN);
          V d = load_count(in + k * n + i, count);
          if constexpr (kCentered) {
            d -= center[k];
            if (count != E::kN) d = E::first_n(d, count, 0);
            s[k] += d;
          }
          q[k] = fma(d, d, q[k]);
        }
      });
      for (int k = 0; k < R; ++k) {
        s_total[k] += s[k];
        q_total[k] += q[k];
      }
    }
    for (int k = 0; k < R; ++k) {
      const A rest = kCentered ? fold_sum(s_total[k]) / A(n) : 0, spread = fold_sum(q_total[k]) / A(n) - rest * rest;
      const A inverse = 1 / std::sqrt((spread < 0 ? 0 : spread) + epsilon);
      saved[r + k] = inverse;
      scale[k] = E::all(inverse);
      if constexpr (kCentered) {
        saved[rows + r + k] = mean[k];
        saved[2 * rows + r + k] = rest;
        shift[k] = E::all(-rest * inverse);
      }
    }
    const A *gamma = this->gamma, *beta = this->beta;
    const bool past_cache = this->past_cache;
    T* out = y + r * n;
    each(0, n, [&](int64_t i, auto count) {
      V factor = {}, offset = {};
      if constexpr (kScaled) factor = load_count(gamma + i, count);
      if constexpr (kShifted) offset = load_count(beta + i, count);
      for (int k = 0; k < R; ++k) {
        V v = load_count(in + k * n + i, count);
        v = kCentered ? fma(v - center[k], scale[k], shift[k]) : v * scale[k];
        if constexpr (kScaled && kShifted)
          v = fma(v, factor, offset);
        else if constexpr (kScaled)
          v *= factor;
        else if constexpr (kShifted)
          v += offset;
        store_past(out + k * n + i, v, count, past_cache);
      }
    });
  }

  template <bool kScaled, bool kShifted> void all() const {
    parallel_range(rows, kNormTile / (n + 8) / 4 * 4 + 4, [&](int64_t begin, int64_t end) {
      int64_t r = begin;
      for (; r + 4 <= end; r += 4) some<4, kScaled, kShifted>(r, r + 8 <= end);
      for (; r < end; ++r) some<1, kScaled, kShifted>(r, false);
      end_stream();
    });
  }

  void run() const {
    if (gamma)
      beta ? all<true, true>() : all<true, false>();
    else
      beta ? all<false, true>() : all<false, false>();
  }
};

KG_FLOATS(LayerNormFloats, epsilon);

template <class T> void forward(const Call& call) {
  using A = typename Element<T>::A;
  const auto given = ints<LayerNormInts>(call);
  const RowNorm p(call, given);
  const bool shifted = given.beta != 0;
  const A epsilon = A(floats<LayerNormFloats>(call).epsilon);
  const int64_t n = p.n, rows = p.rows;
  const T* x = input<T>(call, 0, rows * n);
  const A* gamma = p.scaled ? input<A>(call, 1, n) : nullptr;
  const A* beta = shifted ? input<A>(call, 1 + p.scaled, n) : nullptr;
  if (call.n_in != 1 + p.scaled + shifted) fail(call, "number of inputs", call.n_in, 1 + p.scaled + shifted);
  T* y = output<T>(call, 0, rows * n);
  A* saved = output<A>(call, 1, p.saved());
  if (p.centered)
    Rows<T, true>{x, gamma, beta, y, saved, rows, n, epsilon}.run();
  else
    Rows<T, false>{x, gamma, beta, y, saved, rows, n, epsilon}.run();
}

}  // namespace

void layer_norm(const Call& call) {
  if (call.n_in < 1) fail(call, "number of inputs", call.n_in, 1);
  expect(call, call.n_in, 2, 5, 1);
  const bool known =
      for_float_dtype(call.in[0].dtype, [&](auto* type) { forward<typename std::remove_pointer<decltype(type)>::type>(call); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(layer_norm, LayerNormInts::names, LayerNormFloats::names);
KG_IN_PLACE(layer_norm, out == 0 && in == 0);
