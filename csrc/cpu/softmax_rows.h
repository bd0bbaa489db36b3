// Softmax and log-softmax of rows, with the largest element and the sum of exponentials of each for who needs them.
//
// The exponentials of a row are kept in the first-level cache until their sum is known, so memory is read once and written once:
//   n <= 64     kN rows lie in n vectors; their folds are shared (row_fold.h)
//   n <= 16384  up to four rows at a time, so that the folds and the division of one wait beside those of others; the next rows
//               are fetched meanwhile
//   above       blocks with a largest element and a sum each, joined; then x is read again and its exponentials taken again
// A row's sums are added in an order that follows from n alone: its bits do not depend on where it is.
#pragma once
#include "row_fold.h"

namespace KG_NS {

template <class T, bool kLog> struct SoftmaxRows {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  using N = Element<A>;
  using Short = ShortRows<T>;
  static constexpr int64_t kKeep = 16384 * 4 / int64_t(sizeof(A));  // exponentials that stay in the cache
  static constexpr int64_t kShare = 2048 * 4 / int64_t(sizeof(A));  // the same where several rows share it
  static constexpr int64_t kBlock = 1024;                           // of a sum, which keeps chains of additions short
  static constexpr int64_t kGroups = 4;                             // of short rows, so that their folds wait together
  static constexpr int64_t kKeepShort = 2 * Short::kSize;

  const T* x;
  T* y;
  int64_t rows, n;
  bool past;
  Short shorts;

  SoftmaxRows(const T* x_, T* y_, int64_t rows_, int64_t n_)
      : x(x_), y(y_), rows(rows_), n(n_), past(past_cache<T>(rows_ * n_)), shorts(n_ <= Short::kMost ? n_ : 0) {}

  // Rows [begin, end), end above begin; `largest` and `sums`, unless null, are of those rows.
  void run(int64_t begin, int64_t end, A* largest = nullptr, A* sums = nullptr) const {
    int64_t r = begin;
    const auto at = [&](A* p) { return p ? p + (r - begin) : nullptr; };
    if (n <= Short::kMost) {
      const int64_t most = kKeepShort / (E::kN * n) < kGroups ? kKeepShort / (E::kN * n) : kGroups;
      while (r + E::kN <= end) {
        const int64_t groups = (end - r) / E::kN < most ? (end - r) / E::kN : most;
        short_rows(x + r * n, y + r * n, groups, past, at(largest), at(sums));
        r += groups * E::kN;
      }
      if (r < end) short_rest(r, end - r, at(largest), at(sums));
    } else if (n <= kKeep) {
      for (; n <= kShare / 4 && r + 4 <= end; r += 4) some<4>(r, r + 8 <= rows, at(largest), at(sums));
      for (; n <= kShare / 2 && r + 2 <= end; r += 2) some<2>(r, r + 4 <= rows, at(largest), at(sums));
      for (; r < end; ++r) some<1>(r, r + 2 <= rows, at(largest), at(sums));
    } else {
      for (; r < end; ++r) long_row(x + r * n, y + r * n, at(largest), at(sums));
    }
    if (past) end_stream();
  }

 private:
  static V last(V s) { return kLog ? vlog(s) : 1 / s; }

  // `groups` groups of kN rows.
  void short_rows(const T* x, T* y, int64_t groups, bool past, A* largest, A* sums) const {
    alignas(64) A e[kKeepShort];
    V m[kGroups], s[kGroups];
    const int64_t size = E::kN * n;
    constexpr A low = -std::numeric_limits<A>::infinity();
    const bool aligned = past && reinterpret_cast<uintptr_t>(y) % kVecBytes == 0;
    for (int64_t g = 0; g < groups; ++g) {
      m[g] = shorts.template fold<T>(Larger(), low, [=](int64_t i, const auto& load) { return load(x + g * size + i); });
      if (largest) N::store(largest + g * E::kN, m[g]);
    }
    for (int64_t g = 0; g < groups; ++g)
      shorts.each([&, x](int64_t i) {
        fetch_line(x + (groups + g) * size + i);
        N::store(e + g * size + i, vexp(E::load(x + g * size + i) - shorts.spread(m[g], i)));
      });
    for (int64_t g = 0; g < groups; ++g) {
      s[g] = shorts.template fold<A>(Add(), 0, [&](int64_t i, const auto& load) { return load(e + g * size + i); });
      if (sums) N::store(sums + g * E::kN, s[g]);
    }
    for (int64_t g = 0; g < groups; ++g) {
      const V scale = last(s[g]);
      shorts.each([&](int64_t i) {
        const int64_t at = g * size + i;
        const V by = shorts.spread(scale, i);
        if constexpr (kLog)
          store_past(y + at, (E::load(x + at) - shorts.spread(m[g], i)) - by, E::kN, aligned);
        else
          store_past(y + at, N::load(e + at) * by, E::kN, aligned);
      });
    }
  }

  // Fewer rows than a group, in a group of their own.
  void short_rest(int64_t r, int64_t rows, A* largest, A* sums) const {
    T from[Short::kSize] = {}, to[Short::kSize];
    A m[E::kN], s[E::kN];
    std::memcpy(from, x + r * n, static_cast<size_t>(rows * n) * sizeof(T));
    short_rows(from, to, 1, false, m, s);
    std::memcpy(y + r * n, to, static_cast<size_t>(rows * n) * sizeof(T));
    for (int64_t k = 0; k < rows; ++k) {
      if (largest) largest[k] = m[k];
      if (sums) sums[k] = s[k];
    }
  }

  // R rows from r. Locals throughout: what `this` points to would be read again after every store.
  template <int R> void some(int64_t r, bool more, A* largest, A* sums) const {
    alignas(64) A e[kLog ? E::kN : R == 1 ? kKeep : kShare];
    const int64_t n = this->n, stride = (n + E::kN - 1) / E::kN * E::kN;
    const T *in = x + r * n, *next = more ? in + R * n : in;
    V m[R], s[R] = {};
    A top[R];
    if constexpr (R == 1) {
      top[0] = row_max(in, n);
    } else {
      constexpr A low = -std::numeric_limits<A>::infinity();
      for (int k = 0; k < R; ++k) m[k] = E::all(low);
      each_vector<E>(0, n, [&](int64_t i, auto count) {
        for (int k = 0; k < R; ++k) {
          const V v = load_count(in + k * n + i, count);
          m[k] = vmax(count == E::kN ? v : E::first_n(v, count, low), m[k]);
        }
      });
      for (int k = 0; k < R; ++k) top[k] = fold_max(m[k]);
    }
    for (int k = 0; k < R; ++k) m[k] = E::all(top[k]);
    for (int64_t block = 0; block < n; block += kBlock) {
      V part[R] = {};
      each_vector<E>(block, block + kBlock < n ? block + kBlock : n, [&](int64_t i, auto count) {
        for (int k = 0; k < R; ++k) {
          fetch_line(next + i * R + k * E::kN);  // this pass waits for no memory: let the next rows come meanwhile
          V v = vexp(load_count(in + k * n + i, count) - m[k]);
          if constexpr (!kLog) N::store(e + k * stride + i, v);
          if (count != E::kN) v = E::first_n(v, count, 0);
          part[k] += v;
        }
      });
      for (int k = 0; k < R; ++k) s[k] += part[k];
    }
    for (int k = 0; k < R; ++k) {
      const A total = fold_sum(s[k]);
      if (largest) largest[k] = top[k];
      if (sums) sums[k] = total;
      s[k] = last(E::all(total));
    }
    for (int k = 0; k < R; ++k) {
      const T* row = in + k * n;
      const A* kept = e + k * stride;
      const V a = m[k], b = s[k];
      row_store_past(y + (r + k) * n, n, past, [&](int64_t i, auto count) {
        if constexpr (kLog)
          return (load_count(row + i, count) - a) - b;
        else
          return load_count(kept + i, count) * b;
      });
    }
  }

  void long_row(const T* x, T* y, A* largest, A* sums) const {
    constexpr int64_t kMost = 256;
    A top[kMost], sum[kMost];
    const int64_t step = 4096 + n / kMost / kBlock * kBlock, blocks = (n + step - 1) / step;
    constexpr A low = -std::numeric_limits<A>::infinity();
    A m = low, s = 0;
    for (int64_t b = 0; b < blocks; ++b) {
      const T* part = x + b * step;
      const int64_t count = n - b * step < step ? n - b * step : step;
      const A t = row_max(part, count);
      m = top[b] = t > m ? t : m;
      const V center = E::all(m == low ? 0 : m);
      sum[b] = row_sum<E>(count, [&](int64_t i, int64_t lanes) { return vexp(load_count(part + i, lanes) - center); });
    }
    const V center = E::all(m);
    for (int64_t b = 0; b < blocks; ++b) s += top[b] == m && m != low ? sum[b] : sum[b] * vexp(E::all(top[b]) - center)[0];
    if (largest) *largest = m;
    if (sums) *sums = s;
    const V scale = last(E::all(s));
    row_store_past(y, n, past, [&](int64_t i, auto count) {
      const V d = load_count(x + i, count) - center;
      return kLog ? d - scale : vexp(d) * scale;
    });
  }
};

}  // namespace KG_NS
