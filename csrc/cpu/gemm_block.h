// One matrix product: the plan (made from the sizes alone), the packing phase and the computing phase.
//
// C is computed in blocks of block_m x block_n over block_k steps of k, so that the packed copies stay within a fixed amount of
// scratch memory. A block is packed by all threads, then computed in chunks of chunk_m x chunk_n; within a chunk, k goes in
// steps of kStepK so that the strips in use stay in the first two cache levels.
#pragma once
#include "gemm_dot.h"
#include "gemm_pack.h"
#include "parallel.h"

namespace KG_NS {

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int64_t kStepK = 256;  // a B strip of 16 columns: 16 KB, which stay in the first cache level; strips of A: 5 KB
constexpr bool kKeepB = true;
#else
constexpr int64_t kStepK = 512;  // an A strip of 14 rows: 28 KB, which stay there; strips of B, of 32 columns: 64 KB
constexpr bool kKeepB = false;
#endif
constexpr int64_t kDotM = 48;             // up to this many rows, long dot products beat packing B
constexpr double kSerialFlops = 1 << 20;  // below this one thread is faster than two
constexpr double kChunkFlops = 3 << 18;   // what a chunk should be worth at least
constexpr int64_t kMaxChunkM = 128, kMaxChunkN = 256;
constexpr int64_t kBlock = 1024, kBlockK = 1024;  // scratch: 3 * kBlock * kBlockK elements or so, 12 MB of float
constexpr int64_t kDirectN = 16384;               // columns at a time where B is not packed: there are few rows then

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// The size of the parts, all but the last the same multiple of `grain`, that n is cut into: as few as if `most` were the limit. A short
// last part would cost as much packing as a long one.
inline int64_t even_part(int64_t n, int64_t most, int64_t grain) {
  return n <= most ? n : round_up(ceil_div(n, ceil_div(n, most)), grain);
}

// T: storage of a, b and c; S: what is computed with (float for the 16-bit floats).
template <class T, class S> struct Product {
  int64_t m, n, k;
  bool trans_a, trans_b;
  const T* a;
  const T* b;
  T* c;
  const T* relu_output;  // (m, n) as c, or null
  Epilogue<S> finish;    // without relu_output
};

struct Plan {
  bool dot = false, pack_a = false, pack_b = false, partial = false;
  int rows = 1, vectors = 1;  // the tile
  int64_t block_m, block_n, block_k, chunk_m, chunk_n;
  int64_t a_elements = 0, b_elements = 0, partial_elements = 0;  // of scratch
  int64_t scratch() const { return a_elements + b_elements + partial_elements; }
};

template <class T, class S> Plan make_plan(int64_t m, int64_t n, int64_t k, bool trans_a, bool trans_b) {
  constexpr int L = Simd<S>::L;
  constexpr bool kConvert = !std::is_same<T, S>::value;
  Plan p;
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  int64_t grain_m, grain_n;
  p.dot = !kConvert && trans_b && !trans_a && (m == 1 || (m <= kDotM && k >= 4 * L && k >= 12 * m));
  if (p.dot) {
    grain_m = m == 1 || L < 8 ? 1 : kDotRows;
    grain_n = L / grain_m;
    p.block_m = m, p.block_n = n, p.block_k = k;
  } else {
    const int64_t wide = ceil_div(n, L);
    p.vectors = static_cast<int>(min_of(wide, m <= kRows8 ? 8 : m <= kRows4 ? 4 : 2));
    const int64_t most = rows_for(p.vectors);
    p.rows = static_cast<int>(m <= most ? m : most > L ? most : ceil_div(m, ceil_div(m, most)));
    grain_m = p.rows;
    grain_n = int64_t(p.vectors) * L;
    p.pack_b = kConvert || trans_b || (m > 4 * grain_m && k > 64);
    p.pack_a = kConvert || (k > (trans_a ? 64 : 16) && n > 4 * grain_n);
    p.block_m = p.pack_a ? even_part(m, kBlock, grain_m) : m;
    p.block_n = p.pack_b ? even_part(n, kBlock, grain_n) : n;
    p.block_k = p.pack_a || p.pack_b ? even_part(k, kBlockK, 4) : k;
    if (k == 0) p.block_k = 1;  // one step, of nothing
    p.partial = k > min_of(p.block_k, kStepK);
    if (p.partial && !p.pack_b) p.block_n = min_of(n, kDirectN / grain_n * grain_n);
    if (p.pack_a) p.a_elements = ceil_div(p.block_m, grain_m) * (grain_m * p.block_k + L);
    if (p.pack_b) p.b_elements = round_up(p.block_n, L) * p.block_k + L;
    if (p.partial) p.partial_elements = round_up(p.block_m, grain_m) * round_up(p.block_n, grain_n);
  }
  p.chunk_m = p.block_m, p.chunk_n = p.block_n;
  if (flops >= kSerialFlops) {
    p.chunk_m = min_of(p.chunk_m, round_up(kMaxChunkM, grain_m));
    p.chunk_n = min_of(p.chunk_n, round_up(kMaxChunkN, grain_n));
    const int64_t wanted = flops > 64 * kChunkFlops ? 64 : static_cast<int64_t>(flops / kChunkFlops);
    while (ceil_div(m, p.chunk_m) * ceil_div(n, p.chunk_n) < wanted && (p.chunk_m > grain_m || p.chunk_n > grain_n)) {
      if (p.chunk_n > grain_n && (p.chunk_n >= p.chunk_m || p.chunk_m <= grain_m))
        p.chunk_n = round_up(p.chunk_n / 2, grain_n);
      else
        p.chunk_m = round_up(p.chunk_m / 2, grain_m);
    }
  }
  return p;
}

// Computes one block once its packed copies are there.
template <class T, class S> class Block {
 public:
  Block(const Product<T, S>& x, const Plan& plan, S* scratch)
      : x_(x),
        plan_(plan),
        packed_a_(scratch),
        packed_b_(scratch + plan.a_elements),
        partial_(plan.partial ? scratch + plan.a_elements + plan.b_elements : nullptr) {}

  void run() {
    if (plan_.dot) {
      if constexpr (!kConvert) dot();
      return;
    }
    for (j0_ = 0; j0_ < x_.n; j0_ += plan_.block_n)
      for (i0_ = 0; i0_ < x_.m; i0_ += plan_.block_m)
        for (p0_ = 0; p0_ == 0 || p0_ < x_.k; p0_ += plan_.block_k) {
          bm_ = min_of(plan_.block_m, x_.m - i0_);
          bn_ = min_of(plan_.block_n, x_.n - j0_);
          bk_ = min_of(plan_.block_k, x_.k - p0_);
          pack();
          const int64_t across = ceil_div(bn_, plan_.chunk_n);
          parallel_for(ceil_div(bm_, plan_.chunk_m) * across, [&](int64_t chunk) {
            const int64_t i = chunk / across * plan_.chunk_m, j = chunk % across * plan_.chunk_n;
            compute(i, min_of(i + plan_.chunk_m, bm_), j, min_of(j + plan_.chunk_n, bn_));
          });
        }
  }

 private:
  static constexpr bool kConvert = !std::is_same<T, S>::value;
  static constexpr int L = Simd<S>::L;

  void dot() {
    const int64_t across = ceil_div(x_.n, plan_.chunk_n);
    parallel_for(ceil_div(x_.m, plan_.chunk_m) * across, [&](int64_t chunk) {
      const int64_t i = chunk / across * plan_.chunk_m, j = chunk % across * plan_.chunk_n;
      Epilogue<S> finish = x_.finish;
      finish.relu_output = x_.relu_output;
      dot_block<S>(i, min_of(i + plan_.chunk_m, x_.m), j, min_of(j + plan_.chunk_n, x_.n), x_.m, x_.k, x_.a, x_.k, x_.b, x_.k,
                   x_.c, x_.n, finish);
    });
  }

  int64_t a_strip() const { return plan_.rows * bk_ + L; }

  void pack() {
    const int64_t width = int64_t(plan_.vectors) * L;
    const int64_t strips_a = plan_.pack_a ? ceil_div(bm_, plan_.rows) : 0, strips_b = plan_.pack_b ? ceil_div(bn_, width) : 0;
    if (strips_a + strips_b == 0) return;
    // A chunk is a few strips: enough to be worth a thread's time.
    const int64_t group = 1 + 32768 / (bk_ * width + 1);
    const int64_t groups_a = ceil_div(strips_a, group), groups_b = ceil_div(strips_b, group);
    auto pack_group = [&](int64_t g) {
      if (g < groups_a) {
        for (int64_t s = g * group; s < min_of(strips_a, (g + 1) * group); ++s) pack_a(s);
      } else {
        for (int64_t s = (g - groups_a) * group; s < min_of(strips_b, (g - groups_a + 1) * group); ++s) pack_b(s, width);
      }
    };
    if (plan_.chunk_m >= x_.m && plan_.chunk_n >= x_.n) {
      for (int64_t g = 0; g < groups_a + groups_b; ++g) pack_group(g);
    } else {
      parallel_for(groups_a + groups_b, pack_group);
    }
  }

  void pack_a(int64_t s) {
    const int64_t i = s * plan_.rows;
    const int have = static_cast<int>(min_of(plan_.rows, bm_ - i));
    S* to = packed_a_ + s * a_strip();
    if (x_.trans_a)
      pack_across<S>(x_.a + p0_ * x_.m + i0_ + i, x_.m, have, bk_, to, plan_.rows);
    else
      pack_along<S>(x_.a + (i0_ + i) * x_.k + p0_, x_.k, have, bk_, to, plan_.rows);
  }

  void pack_b(int64_t s, int64_t width) {
    const int64_t j = s * width;
    const int have = static_cast<int>(min_of(width, bn_ - j));
    const int padded = static_cast<int>(round_up(have, L));
    S* to = packed_b_ + j * bk_;
    if (x_.trans_b)
      pack_along<S>(x_.b + (j0_ + j) * x_.k + p0_, x_.k, have, bk_, to, padded);
    else
      pack_across<S>(x_.b + p0_ * x_.n + j0_ + j, x_.n, have, bk_, to, padded);
  }

  // Rows i_begin..i_end and columns j_begin..j_end of the block, tile by tile.
  void compute(int64_t i_begin, int64_t i_end, int64_t j_begin, int64_t j_end) {
    const int64_t width = int64_t(plan_.vectors) * L;
    const int64_t step = bk_ > kStepK ? round_up(ceil_div(bk_, ceil_div(bk_, kStepK)), 4) : kStepK;
    for (int64_t p = 0; p == 0 || p < bk_; p += step) {
      const int64_t steps = min_of(step, bk_ - p);
      if (plan_.pack_a && plan_.pack_b &&
          !kKeepB) {  // the strip of A stays in the first cache level, those of B come from the second
        for (int64_t i = i_begin; i < i_end; i += plan_.rows)
          for (int64_t j = j_begin; j < j_end; j += width)
            tile(i, min_of(plan_.rows, i_end - i), j, min_of(width, j_end - j), p, steps);
      } else {
        for (int64_t j = j_begin; j < j_end; j += width)
          for (int64_t i = i_begin; i < i_end; i += plan_.rows)
            tile(i, min_of(plan_.rows, i_end - i), j, min_of(width, j_end - j), p, steps);
      }
    }
  }

  void tile(int64_t i, int64_t rows, int64_t j, int64_t columns, int64_t p, int64_t steps) {
    const int vectors = static_cast<int>(ceil_div(columns, L));
    const bool first = p0_ + p == 0, last = p0_ + p + steps == x_.k;
    Tile<S> t;
    t.k = steps;
    t.last = columns - (vectors - 1) * L;
    if (plan_.pack_b) {
      t.b_k = vectors * L;
      t.b = packed_b_ + j * bk_ + p * t.b_k;
    } else if constexpr (!kConvert) {
      t.b_k = x_.n;
      t.b = x_.b + (p0_ + p) * x_.n + j0_ + j;
    }
    t.a_row = 1;
    if (plan_.pack_a) {
      t.a_k = plan_.rows;
      t.a = packed_a_ + i / plan_.rows * a_strip() + p * plan_.rows;
    } else if constexpr (!kConvert) {
      if (x_.trans_a) {
        t.a_k = x_.m;
        t.a = x_.a + (p0_ + p) * x_.m + i0_ + i;
      } else {
        t.a_row = x_.k;
        t.a_k = 1;
        t.a = x_.a + (i0_ + i) * x_.k + p0_ + p;
      }
    }
    const Micro<S> micro = find_micro<S>(static_cast<int>(rows), vectors, plan_.pack_a || x_.trans_a, t.last < L);
    const int64_t place = (i0_ + i) * x_.n + j0_ + j;
    T* c = x_.c + place;
    const T* relu_output = x_.relu_output ? x_.relu_output + place : nullptr;
    // Partial sums lie tile after tile: rows of C a power of two apart would fall into the same few cache lines.
    const int64_t width = int64_t(plan_.vectors) * L;
    S* partial = partial_ ? partial_ + (j / width * ceil_div(bm_, plan_.rows) + i / plan_.rows) * plan_.rows * width : nullptr;
    Epilogue<S> finish = x_.finish;
    if (finish.column_bias) finish.column_bias += j0_ + j;
    if (finish.row_bias) finish.row_bias += i0_ + i;
    if constexpr (!kConvert) {
      finish.relu_output = relu_output;
      t.start = first ? nullptr : partial;
      t.start_row = width;
      t.c = last ? c : partial;
      t.c_row = last ? x_.n : width;
      t.finish = last ? &finish : nullptr;
      micro(t);
    } else {
      S sums[rows_for(1) * 2 * L + rows_for(8) * 8 * L + rows_for(4) * 4 * L];
      t.start = first ? nullptr : partial;
      t.start_row = width;
      t.c = last ? sums : partial;
      t.c_row = width;
      t.finish = nullptr;
      micro(t);
      if (!last) return;
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t q = 0; q < columns; ++q) {
          T& to = c[r * x_.n + q];
          const bool kept = !relu_output || to_float(relu_output[r * x_.n + q]) > 0;
          to = from_float<T>(kept ? finish_scalar(sums[r * t.c_row + q], finish, r, q, width, to_float(to)) : S{});
        }
    }
  }

  const Product<T, S>& x_;
  const Plan& plan_;
  S* const packed_a_;
  S* const packed_b_;
  S* const partial_;
  int64_t i0_ = 0, j0_ = 0, p0_ = 0, bm_ = 0, bn_ = 0, bk_ = 0;
};

}  // namespace KG_NS
