// layer_norm_grad: the gradient of layer_norm (norm_rows.cpp).
//
// With X = (x - mean) inverse and m() the mean over a row:
//   dx = inverse (gamma g - m(gamma g) - X m(gamma g X)),  dgamma = sum over rows of g X,  dbeta = sum over rows of g
// Not centered, mean and m(gamma g) are 0.
//
//   inputs   x, g (rows, n), saved (as layer_norm wrote it), gamma (n) if given
//   outputs  dx (rows, n), then those wanted of dgamma, dbeta (n)
//   ints     rows, n, then 1 or 0 for gamma, for dgamma and dbeta wanted, and centered
//
// Four rows at a time: they share the loads of gamma and of the sums for dgamma and dbeta. Each chunk of rows has sums of its own,
// which are joined in double precision in order, so results do not depend on the number of threads. dx may be x or g.
#include "norm_rows.h"

namespace KG_NS {
namespace {

template <class T, bool kScaled, bool kSums, bool kCentered> struct Rows {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  using N = Element<A>;
  const T *x, *g;
  const A *gamma, *saved;
  T* dx;
  int64_t rows, n;
  bool past_cache = streams(dx, rows* n, n);

  // R rows from r; dgamma and dbeta are added to. Locals throughout: what `this` points to would be read again after every store.
  template <int R> void some(int64_t r, A* dgamma, A* dbeta, bool more) const {
    const int64_t n = this->n;
    const int64_t next = more ? R * n : 0;
    const bool past_cache = this->past_cache;
    const T *x = this->x + r * n, *g = this->g + r * n;
    T* dx = this->dx + r * n;
    const A* gamma = this->gamma;
    V inverse[R], center[R], shift[R], s[R] = {}, q[R] = {};
    for (int k = 0; k < R; ++k) {
      const A scale = saved[r + k];
      inverse[k] = E::all(scale);
      center[k] = kCentered ? E::all(saved[rows + r + k]) : V{};
      shift[k] = kCentered ? E::all(-saved[2 * rows + r + k] * scale) : V{};
    }
    const auto unit = [&](int k, int64_t i, int64_t count) {
      const V v = load_count(x + k * n + i, count);
      return kCentered ? fma(v - center[k], inverse[k], shift[k]) : v * inverse[k];
    };
    const auto add = [&](int64_t i, auto count) {
      V to_gamma = {}, to_beta = {}, scale = {};
      if constexpr (kScaled) scale = load_count(gamma + i, count);
      for (int k = 0; k < R; ++k) {
        V u = unit(k, i, count);
        if (count != E::kN) u = E::first_n(u, count, 0);  // the gradient is 0 there, but 0 times infinity is not
        V e = load_count(g + k * n + i, count);
        if constexpr (kSums) {
          to_gamma = fma(e, u, to_gamma);
          to_beta += e;
        }
        if constexpr (kScaled) e *= scale;
        if constexpr (kCentered) s[k] += e;
        q[k] = fma(e, u, q[k]);
      }
      if constexpr (kSums) {
        store_count(dgamma + i, load_count(dgamma + i, count) + to_gamma, count);
        store_count(dbeta + i, load_count(dbeta + i, count) + to_beta, count);
      }
    };
    each(n, add);
    V slope[R], offset[R];  // dx = e inverse + (x - mean) slope + offset
    for (int k = 0; k < R; ++k) {
      const A scale = saved[r + k], along = scale * (fold_sum(q[k]) / A(n));
      slope[k] = E::all(-scale * along);
      offset[k] = kCentered ? E::all(saved[2 * rows + r + k] * scale * along - scale * (fold_sum(s[k]) / A(n))) : V{};
    }
    each(n, [&](int64_t i, auto count) {
      V scale = {};
      if constexpr (kScaled) scale = load_count(gamma + i, count);
      for (int k = 0; k < R; ++k) {
        // This pass waits for no memory: let the next rows come meanwhile.
        const int64_t later = next + i * R + k * E::kN;
        __builtin_prefetch(x + later);
        __builtin_prefetch(g + later);
        V e = load_count(g + k * n + i, count);
        if constexpr (kScaled) e *= scale;
        const V v = load_count(x + k * n + i, count);
        const V rest = kCentered ? fma(v - center[k], slope[k], offset[k]) : v * slope[k];
        store_past(dx + k * n + i, fma(e, inverse[k], rest), count, past_cache);
      }
    });
  }

  template <class F> static void each(int64_t n, const F& f) {
    int64_t i = 0;
    for (; i + E::kN <= n; i += E::kN) f(i, std::integral_constant<int64_t, E::kN>());
    if (i < n) f(i, n - i);
  }

  void range(int64_t begin, int64_t end, A* dgamma, A* dbeta) const {
    int64_t r = begin;
    for (; r + 4 <= end; r += 4) some<4>(r, dgamma, dbeta, r + 8 <= end);
    for (; r < end; ++r) some<1>(r, dgamma, dbeta, false);
    end_stream();
  }
};

// Rows of a chunk: enough that its sums are little beside what it reads, few enough for short chains of additions.
int64_t chunk_rows(int64_t n) { return at_most(at_least(2 * kNormTile / (n + 8) / 4 * 4, 16), 512); }

template <class T, bool kScaled, bool kSums, bool kCentered> void backward(const Call& call, const RowNorm& p) {
  using A = typename Element<T>::A;
  const int64_t n = p.n, rows = p.rows;
  const T *x = input<T>(call, 0, rows * n), *g = input<T>(call, 1, rows * n);
  const A* saved = input<A>(call, 2, p.saved());
  const A* gamma = kScaled ? input<A>(call, 3, n) : nullptr;
  const Rows<T, kScaled, kSums, kCentered> work{x, g, gamma, saved, output<T>(call, 0, rows * n), rows, n};
  A *dgamma = kSums ? output<A>(call, 1, n) : nullptr, *dbeta = kSums ? output<A>(call, 2, n) : nullptr;
  if constexpr (!kSums) {
    return parallel_range(rows, kNormTile / (n + 8) / 4 * 4 + 4,
                          [&](int64_t begin, int64_t end) { work.range(begin, end, nullptr, nullptr); });
  }
  const int64_t chunk = chunk_rows(n), chunks = (rows + chunk - 1) / chunk;
  const Scratch<A> partial(checked_mul(call, chunks, 2 * n));
  parallel_for(chunks, [&](int64_t k) {
    A* sums = partial.data + k * 2 * n;
    for (int64_t i = 0; i < 2 * n; ++i) sums[i] = 0;
    work.range(k * chunk, at_most(rows, (k + 1) * chunk), sums, sums + n);
  });
  parallel_range(n, at_least(kNormTile / (chunks + 1), 64), [&](int64_t begin, int64_t end) {
    double s[64], q[64];
    for (int64_t first = begin; first < end; first += 64) {
      const int64_t width = at_most(end - first, 64);
      for (int64_t i = 0; i < width; ++i) s[i] = q[i] = 0;
      for (int64_t k = 0; k < chunks; ++k) {
        const A* sums = partial.data + k * 2 * n + first;
        for (int64_t i = 0; i < width; ++i) {
          q[i] += double(sums[i]);
          s[i] += double(sums[n + i]);
        }
      }
      for (int64_t i = 0; i < width; ++i) {
        dgamma[first + i] = A(q[i]);
        dbeta[first + i] = A(s[i]);
      }
    }
  });
}

template <class T> void choose(const Call& call, const RowNorm& p, bool sums) {
  if (p.centered) {
    if (p.scaled) return sums ? backward<T, true, true, true>(call, p) : backward<T, true, false, true>(call, p);
    return sums ? backward<T, false, true, true>(call, p) : backward<T, false, false, true>(call, p);
  }
  if (p.scaled) return sums ? backward<T, true, true, false>(call, p) : backward<T, true, false, false>(call, p);
  return sums ? backward<T, false, true, false>(call, p) : backward<T, false, false, false>(call, p);
}

}  // namespace

void layer_norm_grad(const Call& call) {
  const auto given = ints<LayerNormGradInts>(call);
  expect(call, 3 + (given.gamma != 0), given.sums ? 3 : 1, 5, 0);
  const RowNorm p(call, given);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    choose<typename std::remove_pointer<decltype(type)>::type>(call, p, given.sums != 0);
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(layer_norm_grad, LayerNormGradInts::names);
KG_IN_PLACE(layer_norm_grad, out == 0 && in <= 1);
