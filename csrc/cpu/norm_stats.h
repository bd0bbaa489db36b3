// Mean and variance of each group of channels, in one pass over x.
//
// A chunk of n elements of a channel is summed around K, the mean of its first 16 elements: s = sum(x - K),
// q = sum((x - K)^2). Then mean = K + s / n and the sum of squared deviations is q - s^2 / n. What cancels in that
// difference is at most n / 16 <= 64 times the deviations themselves (when all other elements are equal and far from the
// first 16), and almost nothing in ordinary data. Chunks are joined in double precision (Chan, Golub and LeVeque 1983):
// mean = sum(n_k mean_k) / N,  M2 = sum(M2_k + n_k (mean_k - mean)^2).
//
// A mean rounded to float is wrong by more than a small standard deviation when it is large (1e4 +- 1e-2), so it is kept as
// mean + rest, two floats; x - mean is then exact or nearly so, and rest is folded into the offset.
#pragma once
#include <cmath>

#include "norm.h"

namespace KG_NS {

template <class T> struct MomentSums {  // x - K and its square
  using E = Element<T>;
  using V = typename E::V;
  static constexpr int kNumbers = 1;
  const T* x;

  void fetch(int64_t at) const { __builtin_prefetch(x + at); }
  void add(const V* p, int64_t at, int64_t count, V& s, V& q) const {
    V d = load_count(x + at, count) - p[0];
    if (count != E::kN) d = E::first_n(d, count, 0);
    s += d;
    q = fma(d, d, q);
  }
};

constexpr int64_t kShiftCount = 16;  // elements whose mean is K

// K, s and q of a tile's channels; n elements each.
template <class T>
inline void moment_tile(const NormView& v, const NormTile& t, const T* x, typename Element<T>::A* shift,
                        typename Element<T>::A* s_out, typename Element<T>::A* q_out) {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  const MomentSums<T> rule{x};
  alignas(64) A number[1][kNormStrip];
  if (v.inner == 1) {
    const int64_t first = at_most(t.rows, kShiftCount);
    for (int64_t c = 0; c < t.channels; ++c) number[0][c] = 0;
    for (int64_t r = 0; r < first; ++r) {
      const T* row = x + v.at(t.sample, t.row + r, t.channel);
      for (int64_t c = 0; c < t.channels; ++c) number[0][c] += E::to_scalar(row[c]);
    }
    for (int64_t c = 0; c < t.channels; ++c) number[0][c] *= A(1) / A(first);
    for (int64_t c = 0; c < t.channels; ++c) shift[c] = number[0][c];
    for (int64_t w = 1; w < v.wide; ++w)
      for (int64_t c = 0; c < t.channels; ++c) number[0][w * t.channels + c] = number[0][c];
    add_tile<E>(v, t, rule, number, s_out, q_out);
    return;
  }
  for (int64_t c = 0; c < t.channels; ++c) {
    double n = 0, mean = 0, squares = 0;
    for (int64_t r = 0; r < t.rows; ++r) {
      const int64_t begin = v.at(t.sample, t.row + r, t.channel + c), end = begin + v.inner;
      for (int64_t at = begin; at < end; at += 1024) {
        const int64_t length = at_most(end - at, 1024), first = at_most(length, kShiftCount);
        const A k = row_sum<E>(first, [&](int64_t i, int64_t count) { return load_count(x + at + i, count); }) / A(first);
        const V p[1] = {E::all(k)};
        A s = 0, q = 0;
        add_segment<E>(rule, p, at, length, s, q);
        const double m = double(length), off = double(k) + double(s) / m - mean;
        squares += double(q) - double(s) * double(s) / m + off * off * (n * m / (n + m));
        mean += off * (m / (n + m));
        n += m;
      }
    }
    shift[c] = A(mean);
    const double s = (mean - double(shift[c])) * n;
    s_out[c] = A(s);
    q_out[c] = A(squares + s * s / n);
  }
}

// K, s and q of every chunk, laid out as (samples, chunks, 3, channels).
template <class T> inline void moment_chunks(const NormView& v, const T* x, typename Element<T>::A* partial) {
  v.for_tiles(false, [&](const NormTile& t) {
    auto* p = partial + (t.sample * v.chunks + t.chunk) * 3 * v.channels + t.channel;
    moment_tile(v, t, x, p, p + v.channels, p + 2 * v.channels);
  });
}

// f(first channel, end) over ranges of whole groups, worth a thread each.
template <class F> inline void for_groups(const NormView& v, int64_t group, const F& f) {
  const int64_t cost = at_least(v.samples * v.chunks, 1);
  const int64_t range = at_least(at_least(kNormTile / 4 / cost, 64) / group, 1) * group;
  parallel_range(v.channels, range, f);
}

// done(sample, group, mean, variance) for every group of `group` channels, from the chunks.
template <class A, class Done>
inline void join_moments(const NormView& v, int64_t group, const A* partial, const Done& done) {
  const Scratch<double> scratch(2 * v.channels);
  for_groups(v, group, [&](int64_t begin, int64_t end) {
    double *mean = scratch.data, *squares = scratch.data + v.channels;
    const double per_channel = double(v.rows) * double(v.inner);
    for (int64_t b = 0; b < v.samples; ++b) {
      const A* first = partial + b * v.chunks * 3 * v.channels;
      for (int64_t c = begin; c < end; ++c) mean[c] = squares[c] = 0;
      for (int64_t k = 0; k < v.chunks; ++k) {
        const A *shift = first + k * 3 * v.channels, *s = shift + v.channels;
        const double n = double(v.chunk_rows(k) * v.inner);
        for (int64_t c = begin; c < end; ++c) mean[c] += n * double(shift[c]) + double(s[c]);
      }
      for (int64_t c = begin; c < end; ++c) mean[c] /= per_channel;  // no elements: 0 / 0
      for (int64_t k = 0; k < v.chunks; ++k) {
        const A *shift = first + k * 3 * v.channels, *s = shift + v.channels, *q = s + v.channels;
        const double n = double(v.chunk_rows(k) * v.inner), one = 1 / n;
        for (int64_t c = begin; c < end; ++c) {
          const double inside = double(s[c]) * one, off = (double(shift[c]) - mean[c]) + inside;
          squares[c] += (double(q[c]) - double(s[c]) * inside) + n * off * off;
        }
      }
      for (int64_t g = begin; g < end; g += group) {
        double whole = 0, spread = 0;
        for (int64_t c = g; c < g + group; ++c) whole += mean[c];
        whole /= double(group);
        for (int64_t c = g; c < g + group; ++c) {
          const double off = mean[c] - whole;
          spread += squares[c] + per_channel * off * off;
        }
        const double variance = spread / (per_channel * double(group));
        done(b, g / group, whole, variance < 0 ? 0 : variance);
      }
    }
  });
}

// How a channel is scaled: y = (x - mean) factor + offset. The forward and the backward kernel compute the same bits.
template <class A> inline A channel_factor(const A* gamma, int64_t c, A inverse) {
  return gamma ? gamma[c] * inverse : inverse;
}
template <class A> inline A channel_offset(const A* beta, int64_t c, A factor, A rest) {
  return (beta ? beta[c] : A(0)) - rest * factor;
}

}  // namespace KG_NS
