// What the normalization kernels share: the view of an array as samples x rows x channels x inner, its tiles, and the two
// ways to walk a tile: adding up two numbers per channel, and writing each element from numbers of its channel.
//
// Channels last is inner = 1 (rows: all positions); channels first is inner > 1 (rows: the batch). A sample is what has
// statistics of its own: batch normalization has one, group normalization one per example.
//
// A tile is a chunk of rows and a strip of channels of one sample, about 16384 elements. Its size comes from the shape only,
// every tile writes its own partial results, and partial results are joined in double precision in the order of the
// chunks: so results do not depend on the number of threads.
#pragma once
#include "parallel.h"
#include "pool.h"
#include "softmax.h"

namespace KG_NS {

constexpr int64_t kNormTile = 16384;  // elements, about
constexpr int64_t kNormStrip = 512;   // most columns of a tile that are walked side by side

inline int64_t at_least(int64_t x, int64_t low) { return x < low ? low : x; }
inline int64_t at_most(int64_t x, int64_t high) { return x > high ? high : x; }

// Scratch memory from the pool, freed at the end of the scope.
template <class A> struct Scratch {
  A* data;
  explicit Scratch(int64_t n) : data(static_cast<A*>(pool_allocate(at_least(n, 1) * int64_t(sizeof(A))))) {}
  ~Scratch() { pool_free(data); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

struct NormTile {
  int64_t sample, chunk;
  int64_t row, rows, channel, channels;  // first and how many
};

struct NormView {
  int64_t samples, rows, channels, inner;
  int64_t wide = 1;  // rows that lie side by side in a vector, where a row of channels would leave lanes idle
  int64_t strip, strips, chunk, chunks;

  NormView(int64_t samples_, int64_t rows_, int64_t channels_, int64_t inner_, int lanes)
      : samples(samples_), rows(rows_), channels(channels_), inner(inner_) {
    if (inner == 1) {
      strip = channels <= kNormStrip ? channels : 256;
      if (channels > 0 && channels <= 32)
        while (wide * channels < 64 || wide * channels % lanes) wide *= 2;
      // At least 256 rows: the partial results of a chunk are then 1 % of what it reads. At most 1024: norm_stats.h.
      chunk = at_least(at_most(kNormTile / at_least(channels, 1), 1024), 256);
      chunk += (8 * wide - chunk % (8 * wide)) % (8 * wide);
    } else {
      strip = at_most(at_least(kNormTile / at_least(inner, 1), 1), at_most(at_least(channels, 1), kNormStrip));
      chunk = at_least(kNormTile / at_least(inner * strip, 1), 1);
    }
    strip = at_least(strip, 1);
    strips = (channels + strip - 1) / strip;
    chunks = (rows + chunk - 1) / chunk;
  }

  int64_t tiles() const { return inner == 0 ? 0 : samples * chunks * strips; }
  NormTile tile(int64_t t) const {
    const int64_t s = t % strips, k = t / strips % chunks;
    return {t / strips / chunks, k, k * chunk, chunk_rows(k), s * strip, at_most(channels - s * strip, strip)};
  }
  int64_t chunk_rows(int64_t k) const { return at_most(rows - k * chunk, chunk); }
  int64_t at(int64_t sample, int64_t row, int64_t channel) const {
    return ((sample * rows + row) * channels + channel) * inner;
  }
  // Whether a result y in this view is written past the cache.
  template <class T> bool past_cache(const T* y) const {
    return streams(y, samples * rows * channels * inner, inner > 1 ? inner : channels);
  }
  // body(tile) for all tiles. `backwards` starts where the pass before ended, with what is still in the cache.
  template <class F> void for_tiles(bool backwards, const F& body) const {
    const int64_t n = tiles(), size = at_most(chunk, rows) * at_most(strip, channels) * inner;
    parallel_range(n, at_least(kNormTile / at_least(size, 1), 1), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) body(tile(backwards ? n - 1 - t : t));
    });
  }
};

// The product of the first n ints and what scratch memory is made of; throws for negative sizes and overflow.
inline void check_norm_sizes(const Call& call, int n) {
  int64_t count = 1, largest = 64;
  for (int k = 0; k < n; ++k) {
    count = checked_mul(call, count, call.i[k]);
    largest = checked_mul(call, largest, at_least(call.i[k], 1));  // also where another size is 0
  }
}

// Numbers per channel that a rule reads, `Planes` arrays laid out as (Planes, channels) for each sample.
template <class A, int Planes> struct ChannelNumbers {
  const A* data;
  int64_t channels;

  const A* row(int64_t sample, int plane) const { return data + (sample * Planes + plane) * channels; }

  // The first `planes` of those of a strip, repeated for rows that lie side by side.
  void spread(const NormTile& t, int64_t wide, A (*out)[kNormStrip], int planes = Planes) const {
    for (int p = 0; p < planes; ++p) {
      const A* from = row(t.sample, p) + t.channel;
      for (int64_t w = 0; w < wide; ++w)
        for (int64_t c = 0; c < t.channels; ++c) out[p][w * t.channels + c] = from[c];
    }
  }
};

// f(first row, rows): the tile's rows in virtual rows of `wide` rows each, then the rest one by one.
template <class F> inline void side_by_side(const NormView& v, const NormTile& t, const F& f) {
  const int64_t groups = v.wide > 1 ? t.rows / v.wide : 0;
  if (groups > 0) f(t.row, groups, v.wide);
  if (groups * v.wide < t.rows) f(t.row + groups * v.wide, t.rows - groups * v.wide, int64_t(1));
}

// Where to prefetch while `rows` rows are walked side by side: what comes about 8 KB later, in the order in which memory lies.
// Processors follow few streams at once, and the rows of a group are too many for them.
struct Ahead {
  int64_t base, row, step;  // added to an offset; how a column moves it; between the vectors of a column

  Ahead(int64_t offset, int64_t stride, int64_t width, int rows, int lanes)
      : base(offset + at_least(2048 / at_least(stride, 1), 8) * stride),
        row(stride == width ? rows : 1),
        step(stride == width ? lanes : stride) {}
  int64_t at(int64_t first, int64_t column) const { return base + first + column * row; }
};

// Adds to s[j] and q[j] over `rows` rows: rule.add(numbers, offset, count, s, q) for vectors of `count` columns.
// Groups of eight rows are summed in registers first, which also keeps rounding errors small.
template <class E, class Rule>
inline void add_columns(const Rule& rule, int64_t offset, int64_t stride, int64_t rows, int64_t width,
                        const typename E::A (*number)[kNormStrip], typename E::A* s, typename E::A* q) {
  using V = typename E::V;
  const Ahead ahead(offset, stride, width, 8, E::kN);
  const auto column = [&](int64_t r, int64_t j, int64_t n, auto count) {
    V p[Rule::kNumbers];
    for (int k = 0; k < Rule::kNumbers; ++k) p[k] = Element<typename E::A>::load(number[k] + j);
    const int64_t at = offset + r * stride + j;
    V s0 = {}, q0 = {}, s1 = {}, q1 = {};
    if (n == 8) {
      int64_t later = ahead.at(r * stride, j), now = at;
      for (int k = 0; k < 8; ++k, later += ahead.step, now += stride) {
        rule.fetch(later);
        if (k % 2)
          rule.add(p, now, count, s1, q1);
        else
          rule.add(p, now, count, s0, q0);
      }
    } else {
      for (int64_t k = 0; k < n; ++k) rule.add(p, at + k * stride, count, s0, q0);
    }
    using Sums = Element<typename E::A>;
    Sums::store(s + j, Sums::load(s + j) + (s0 + s1));
    Sums::store(q + j, Sums::load(q + j) + (q0 + q1));
  };
  for (int64_t r = 0; r < rows; r += 8) {
    const int64_t n = at_most(rows - r, 8);
    int64_t j = 0;
    for (; j + E::kN <= width; j += E::kN) column(r, j, n, std::integral_constant<int64_t, E::kN>());
    if (j < width) column(r, j, n, width - j);
  }
}

// Sums of one segment of n neighbouring elements of a channel.
template <class E, class Rule>
inline void add_segment(const Rule& rule, const typename E::V* p, int64_t offset, int64_t n, typename E::A& s,
                        typename E::A& q) {
  using V = typename E::V;
  V s_total = {}, q_total = {};
  for (int64_t block = 0; block < n; block += 1024) {
    const int64_t end = at_most(n, block + 1024);
    V s0 = {}, q0 = {}, s1 = {}, q1 = {};
    int64_t i = block;
    for (; i + 2 * E::kN <= end; i += 2 * E::kN) {
      rule.add(p, offset + i, E::kN, s0, q0);
      rule.add(p, offset + i + E::kN, E::kN, s1, q1);
    }
    if (i + E::kN <= end) {
      rule.add(p, offset + i, E::kN, s0, q0);
      i += E::kN;
    }
    if (i < end) rule.add(p, offset + i, end - i, s1, q1);
    s_total += s0 + s1;
    q_total += q0 + q1;
  }
  s += fold_sum(s_total);
  q += fold_sum(q_total);
}

// s[c] and q[c] of a tile's channels.
template <class E, class Rule>
inline void add_tile(const NormView& v, const NormTile& t, const Rule& rule, const typename E::A (*number)[kNormStrip],
                     typename E::A* s_out, typename E::A* q_out) {
  using A = typename E::A;
  using V = typename E::V;
  if (v.inner > 1) {
    for (int64_t c = 0; c < t.channels; ++c) {
      V p[Rule::kNumbers];
      for (int k = 0; k < Rule::kNumbers; ++k) p[k] = E::all(number[k][c]);
      A s = 0, q = 0;
      for (int64_t r = 0; r < t.rows; ++r) add_segment<E>(rule, p, v.at(t.sample, t.row + r, t.channel + c), v.inner, s, q);
      s_out[c] = s;
      q_out[c] = q;
    }
    return;
  }
  A s[kNormStrip] = {}, q[kNormStrip] = {};
  side_by_side(v, t, [&](int64_t row, int64_t rows, int64_t wide) {
    add_columns<E>(rule, v.at(t.sample, row, t.channel), v.channels * wide, rows, t.channels * wide, number, s, q);
  });
  for (int64_t w = 1; w < v.wide; ++w)
    for (int64_t c = 0; c < t.channels; ++c) {
      s[c] += s[w * t.channels + c];
      q[c] += q[w * t.channels + c];
    }
  for (int64_t c = 0; c < t.channels; ++c) {
    s_out[c] = s[c];
    q_out[c] = q[c];
  }
}

// rule.put(numbers, offset, count) for every element of a tile.
template <class E, class Rule> inline void map_tile(const NormView& v, const NormTile& t, const Rule& rule) {
  using A = typename E::A;
  using V = typename E::V;
  constexpr int kRows = 4;  // that share the loads of the numbers
  alignas(64) A number[Rule::kNumbers][kNormStrip];
  rule.numbers.spread(t, v.wide, number);
  if (v.inner > 1) {
    for (int64_t r = 0; r < t.rows; ++r)
      for (int64_t c = 0; c < t.channels; ++c) {
        V p[Rule::kNumbers];
        for (int k = 0; k < Rule::kNumbers; ++k) p[k] = E::all(number[k][c]);
        const int64_t at = v.at(t.sample, t.row + r, t.channel + c);
        int64_t i = 0;
        for (; i + E::kN <= v.inner; i += E::kN) rule.put(p, at + i, E::kN);
        if (i < v.inner) rule.put(p, at + i, v.inner - i);
      }
    return end_stream();
  }
  side_by_side(v, t, [&](int64_t row, int64_t rows, int64_t wide) {
    const int64_t offset = v.at(t.sample, row, t.channel), stride = v.channels * wide, width = t.channels * wide;
    const Ahead ahead(offset, stride, width, kRows, E::kN);
    const auto column = [&](int64_t r, int64_t j, int64_t n, auto count) {
      V p[Rule::kNumbers];
      for (int k = 0; k < Rule::kNumbers; ++k) p[k] = Element<typename E::A>::load(number[k] + j);
      const int64_t at = offset + r * stride + j;
      if (n == kRows)
        for (int64_t k = 0, later = ahead.at(r * stride, j), now = at; k < kRows; ++k, later += ahead.step, now += stride) {
          rule.fetch(later);
          rule.put(p, now, count);
        }
      else
        for (int64_t k = 0; k < n; ++k) rule.put(p, at + k * stride, count);
    };
    for (int64_t r = 0; r < rows; r += kRows) {
      const int64_t n = at_most(rows - r, kRows);
      int64_t j = 0;
      for (; j + E::kN <= width; j += E::kN) column(r, j, n, std::integral_constant<int64_t, E::kN>());
      if (j < width) column(r, j, n, width - j);
    }
  });
  end_stream();
}

}  // namespace KG_NS
