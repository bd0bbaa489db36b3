// One matrix product: the packing phase and the computing phase of each block of a plan.
//
// C is computed in blocks of block_m x block_n over block_k steps of k, so that the packed copies stay within a fixed amount of
// scratch memory. A block is packed by all threads, then computed in chunks of chunk_m x chunk_n; within a chunk, k goes in
// steps of kStepK so that the strips in use stay in the first two cache levels.
#pragma once
#include "gemm_dot.h"
#include "gemm_pack.h"
#include "gemm_plan.h"
#include "parallel.h"

namespace KG_NS {

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
          strips_ = ceil_div(bm_, plan_.rows);
          low_ = bm_ / strips_, tall_ = bm_ % strips_;
          pack();
          const int64_t across = ceil_div(bn_, plan_.chunk_n), down = ceil_div(plan_.chunk_m, plan_.rows);
          parallel_for(ceil_div(strips_, down) * across, [&](int64_t chunk) {
            const int64_t s = chunk / across * down, j = chunk % across * plan_.chunk_n;
            compute(s, min_of(s + down, strips_), j, min_of(j + plan_.chunk_n, bn_));
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

  // The block's rows are cut into strips of nearly the same height, tall_ of them one row higher than the rest: a tile of one or two
  // rows would take as long as one of four.
  int64_t row_of(int64_t s) const { return s * low_ + min_of(s, tall_); }
  int rows_of(int64_t s) const { return static_cast<int>(low_ + (s < tall_)); }
  int64_t a_strip() const { return plan_.rows * bk_ + L; }

  void pack() {
    // A piece is worth a thread's time: a few strips, or a few rows of a matrix that runs across them.
    const int64_t width = int64_t(plan_.vectors) * L, strips_b = ceil_div(bn_, width);
    const int64_t part_a = x_.trans_a ? round_up(1 + kPiece / bm_, 8) : 1 + kPiece / (bk_ * plan_.rows + 1);
    const int64_t part_b = x_.trans_b ? 1 + kPiece / (bk_ * width + 1) : round_up(1 + kPiece / bn_, 8);
    const int64_t parts_a = plan_.pack_a ? ceil_div(x_.trans_a ? bk_ : strips_, part_a) : 0;
    const int64_t parts_b = plan_.pack_b ? ceil_div(x_.trans_b ? strips_b : bk_, part_b) : 0;
    auto pack_part = [&](int64_t g) {
      if (g < parts_a)
        pack_a(g * part_a, (g + 1) * part_a);
      else
        pack_b((g - parts_a) * part_b, (g - parts_a + 1) * part_b, width, strips_b);
    };
    if (plan_.chunk_m >= x_.m && plan_.chunk_n >= x_.n) {
      for (int64_t g = 0; g < parts_a + parts_b; ++g) pack_part(g);
    } else {
      parallel_for(parts_a + parts_b, pack_part);
    }
  }

  // Steps begin..end of k where A is transposed, else strips begin..end.
  void pack_a(int64_t begin, int64_t end) {
    if (x_.trans_a) {
      const T* from = x_.a + (p0_ + begin) * x_.m + i0_;
      S* to = packed_a_ + begin * plan_.rows;
      pack_strips<S>(from, x_.m, bm_, min_of(end, bk_) - begin, 0, strips_,
                     [&](int64_t s) { return StripPlace<S>{row_of(s), rows_of(s), plan_.rows, to + s * a_strip()}; });
      return;
    }
    for (int64_t s = begin; s < min_of(end, strips_); ++s)
      pack_along<S>(x_.a + (i0_ + row_of(s)) * x_.k + p0_, x_.k, rows_of(s), bk_, packed_a_ + s * a_strip(), plan_.rows);
  }

  // Strips begin..end where B is transposed, else steps begin..end of k.
  void pack_b(int64_t begin, int64_t end, int64_t width, int64_t strips) {
    auto columns = [&](int64_t s) { return static_cast<int>(min_of(width, bn_ - s * width)); };
    if (x_.trans_b) {
      for (int64_t s = begin; s < min_of(end, strips); ++s)
        pack_along<S>(x_.b + (j0_ + s * width) * x_.k + p0_, x_.k, columns(s), bk_, packed_b_ + s * width * bk_,
                      static_cast<int>(round_up(columns(s), L)));
      return;
    }
    pack_strips<S>(x_.b + (p0_ + begin) * x_.n + j0_, x_.n, bn_, min_of(end, bk_) - begin, 0, strips, [&](int64_t s) {
      const int padded = static_cast<int>(round_up(columns(s), L));
      return StripPlace<S>{s * width, columns(s), padded, packed_b_ + s * width * bk_ + begin * padded};
    });
  }

  // What the tiles of a chunk share while one step of k is added.
  struct Step {
    int64_t p;
    bool first, last;
    int64_t columns = 0;  // of the tile kernels:
    Micro<S> tall = nullptr, low = nullptr;
    Tile<S> tile;
    Epilogue<S> finish;
  };

  // Strips s0..s1 and columns j0..j1 of the block, tile by tile.
  void compute(int64_t s0, int64_t s1, int64_t j0, int64_t j1) {
    const int64_t width = int64_t(plan_.vectors) * L;
    const int64_t size = bk_ > kStepK ? round_up(ceil_div(bk_, ceil_div(bk_, kStepK)), 4) : kStepK;
    for (int64_t p = 0; p == 0 || p < bk_; p += size) {
      Step step;
      step.p = p;
      step.finish = x_.finish;
      Tile<S>& t = step.tile;
      t.k = min_of(size, bk_ - p);
      step.first = p0_ + p == 0, step.last = p0_ + p + t.k == x_.k;
      t.a_row = plan_.pack_a || x_.trans_a ? 1 : x_.k;
      t.a_k = plan_.pack_a ? plan_.rows : x_.trans_a ? x_.m : 1;
      t.start = nullptr;
      t.start_row = width;
      t.c_row = step.last && !kConvert ? x_.n : width;
      t.finish = step.last && !kConvert ? &step.finish : nullptr;
      if (plan_.pack_a && plan_.pack_b && !kKeepB) {
        // The strip of A stays in the first cache level, those of B come from the second.
        for (int64_t s = s0; s < s1; ++s)
          for (int64_t j = j0; j < j1; j += width) {
            const bool more = j + width < j1;
            tile(step, s, j, min_of(width, j1 - j), more ? s : s + 1, more ? j + width : j0);
          }
      } else {
        for (int64_t j = j0; j < j1; j += width)
          for (int64_t s = s0; s < s1; ++s) {
            const bool more = s + 1 < s1;
            tile(step, s, j, min_of(width, j1 - j), more ? s + 1 : s0, more ? j : j + width);
          }
      }
    }
  }

  // The tile of strip s at column j; the one at next_s, next_j comes after it.
  void tile(Step& step, int64_t s, int64_t j, int64_t columns, int64_t next_s, int64_t next_j) {
    Tile<S>& t = step.tile;
    if (columns != step.columns) {
      const int vectors = static_cast<int>(ceil_div(columns, L));
      const bool across = plan_.pack_a || x_.trans_a;
      step.columns = columns;
      t.last = columns - (vectors - 1) * L;
      t.b_k = plan_.pack_b ? vectors * L : x_.n;
      if (tall_ > 0) step.tall = find_micro<S>(static_cast<int>(low_) + 1, vectors, across, t.last < L);
      step.low = find_micro<S>(static_cast<int>(low_), vectors, across, t.last < L);
    }
    const int64_t i = row_of(s), p = p0_ + step.p;
    if (plan_.pack_b)
      t.b = packed_b_ + j * bk_ + step.p * t.b_k;
    else if constexpr (!kConvert)
      t.b = x_.b + p * x_.n + j0_ + j;
    if (plan_.pack_a)
      t.a = packed_a_ + s * a_strip() + step.p * plan_.rows;
    else if constexpr (!kConvert)
      t.a = x_.trans_a ? x_.a + p * x_.m + i0_ + i : x_.a + (i0_ + i) * x_.k + p;
    // Partial sums lie tile after tile: rows of C a power of two apart would fall into the same few cache lines.
    S* partial = nullptr;
    if (partial_) {
      partial = partial_ + (j * strips_ + s * t.start_row) * plan_.rows;
      if (!step.first) t.start = partial;
    }
    const int64_t place = (i0_ + i) * x_.n + j0_ + j;
    if (step.last) {
      if (x_.finish.column_bias) step.finish.column_bias = x_.finish.column_bias + j0_ + j;
      if (x_.finish.row_bias) step.finish.row_bias = x_.finish.row_bias + i0_ + i;
    }
    t.ahead = plan_.pack_a ? 16 * plan_.rows : (row_of(next_s) - i) * t.a_row;
    const Micro<S> micro = s < tall_ ? step.tall : step.low;
    if constexpr (!kConvert) {
      if (x_.relu_output) step.finish.relu_output = x_.relu_output + place;
      t.c = step.last ? x_.c + place : partial;
      t.next = t.c + (step.last ? (row_of(next_s) - i) * x_.n + next_j - j
                                : ((next_j - j) * strips_ + (next_s - s) * t.start_row) * plan_.rows);
      micro(t);
    } else {
      S sums[rows_for(1) * 2 * L + rows_for(8) * 8 * L + rows_for(4) * 4 * L];
      t.c = step.last ? sums : partial;
      micro(t);
      if (step.last) finish_converted(step, sums, rows_of(s), columns, place);
    }
  }

  void finish_converted(const Step& step, const S* sums, int64_t rows, int64_t columns, int64_t place) {
    const int64_t width = step.tile.c_row;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t q = 0; q < columns; ++q) {
        const int64_t at = place + r * x_.n + q;
        const bool kept = !x_.relu_output || to_float(x_.relu_output[at]) > 0;
        x_.c[at] = from_float<T>(kept ? finish_scalar(sums[r * width + q], step.finish, r, q, width, to_float(x_.c[at])) : S{});
      }
  }

  const Product<T, S>& x_;
  const Plan& plan_;
  S* const packed_a_;
  S* const packed_b_;
  S* const partial_;
  int64_t i0_ = 0, j0_ = 0, p0_ = 0, bm_ = 0, bn_ = 0, bk_ = 0;
  int64_t strips_ = 0, low_ = 0, tall_ = 0;
};

}  // namespace KG_NS
