// The general way to compute a convolution's product: positions in any order of the window are gathered row by row.
//
// The result is cut into chunks of rows (positions) and columns (channels). A chunk goes through the sum in pieces of about
// kConvStep columns of the gathered matrix: it packs its part of the kernel, gathers a few positions at a time, and multiplies
// them with the tile kernels of GEMM. So scratch memory per thread is bounded, whatever the image, and each element is one chain
// of fused multiply-adds in the order of (taps, channels).
#pragma once
#include "conv_product.h"

namespace KG_NS {

static_assert(kConvStep <= kMostRuns, "a piece has at most a run per column");

// The end of the piece of the sum that begins at column k: whole taps, or a part of one.
template <class T> int64_t piece_end(const Source<T>& source, int64_t k) {
  const int64_t depth = source.depth, columns = source.columns();
  if (depth > kConvStep) {
    const int64_t part = ceil_div(depth, ceil_div(depth, kConvStep));
    return min_of(k + part, (k / depth + 1) * depth);
  }
  const int64_t line = source.axis[2].taps * depth;
  const int64_t unit = line <= kConvStep ? line : depth;
  const int64_t units = columns / unit, most = kConvStep / unit;
  return min_of(k + ceil_div(units, ceil_div(units, most)) * unit, columns);
}

struct RowPlan {
  int rows, vectors;  // the tile
  int64_t chunk_m, chunk_n;
  int64_t piece;             // the longest piece of the sum
  int64_t ld;                // of gathered rows
  bool partial;              // the sum has several pieces
  int64_t a, b, sums, tile;  // elements of scratch: gathered rows, packed kernel, partial sums, one tile
  int64_t scratch() const { return a + b + sums + tile; }
};

template <class T, class S> RowPlan plan_rows(const ConvProduct<T, S>& x) {
  constexpr int L = Simd<S>::L;
  const int64_t m = x.source.positions(), n = x.n, k = x.source.columns();
  RowPlan p;
  p.vectors = static_cast<int>(min_of(ceil_div(n, L), m <= kRows8 ? 8 : m <= kRows4 ? 4 : 2));
  const int64_t most = rows_for(p.vectors), width = int64_t(p.vectors) * L;
  p.rows = static_cast<int>(m <= most ? m : m < 8 * most ? ceil_div(m, ceil_div(m, most)) : most);
  p.piece = 0;
  for (int64_t at = 0; at < k; at = piece_end(x.source, at)) {
    p.piece = std::max(p.piece, piece_end(x.source, at) - at);
    if (piece_end(x.source, at) == k) break;
  }
  p.partial = p.piece < k;
  // Few rows: narrow chunks that share the kernel. Many rows: chunks long enough to make little of packing it.
  const double flops = x.flops();
  p.chunk_n = min_of(n, kConvPacked / (p.piece + 1));
  p.chunk_n = round_up(min_of(p.chunk_n, 256), width);
  p.chunk_m = std::max<int64_t>(p.rows, kConvPartial / p.chunk_n / p.rows * p.rows);
  p.chunk_m = min_of(p.chunk_m, round_up(m, p.rows));
  if (flops >= kSerialFlops) {
    const int64_t wanted = flops > 32 * kChunkFlops ? 32 : static_cast<int64_t>(flops / kChunkFlops);
    const int64_t least_m = 16 * p.rows;
    while (ceil_div(m, p.chunk_m) * ceil_div(n, p.chunk_n) < wanted && (p.chunk_m > p.rows || p.chunk_n > width)) {
      if ((p.chunk_m > least_m || p.chunk_n <= width) && p.chunk_m > p.rows)
        p.chunk_m = round_up(p.chunk_m / 2, p.rows);
      else
        p.chunk_n = round_up(p.chunk_n / 2, width);
    }
  }
  p.ld = (p.piece + 15) / 16 * 16 + 16;
  if (p.ld / 16 % 2 == 0) p.ld += 16;  // rows a power of two apart would fall into the same few cache lines
  p.a = p.rows * p.ld + L;
  p.b = round_up(p.chunk_n, L) * p.piece + L;
  p.sums = p.partial ? p.chunk_m * p.chunk_n : 0;
  p.tile = p.rows * width;
  return p;
}

template <class T, class S> class RowChunk {
 public:
  RowChunk(const ConvProduct<T, S>& x, const RowPlan& plan, S* scratch)
      : x_(x), plan_(plan), a_(scratch), b_(a_ + plan.a), sums_(b_ + plan.b), tile_(sums_ + plan.sums) {}

  // Positions m0..m1, columns j0..j1.
  void run(int64_t m0, int64_t m1, int64_t j0, int64_t j1) {
    const int64_t columns = x_.source.columns();
    const int64_t width = int64_t(plan_.vectors) * L;
    for (int64_t k = 0; k == 0 || k < columns;) {
      const int64_t end = columns > 0 ? piece_end(x_.source, k) : 0, piece = end - k;
      const int64_t runs = columns > 0 ? x_.source.list_runs(k, end, runs_) : 0;
      for (int64_t j = j0; j < j1; j += width) pack(k, end, j, min_of(width, j1 - j), b_ + (j - j0) * piece);
      Position at(x_.source, m0);
      for (int64_t m = m0; m < m1; m += plan_.rows) {
        const int64_t rows = min_of(plan_.rows, m1 - m);
        gather(x_.source, runs_, runs, at, rows, a_, plan_.ld);
        place_rows(at, rows);
        S* sums = sums_ + (m - m0) * plan_.chunk_n;
        for (int64_t j = j0; j < j1; j += width) {
          const int64_t have = min_of(width, j1 - j);
          Tile<S> t;
          t.k = piece;
          t.a = a_, t.a_row = plan_.ld, t.a_k = 1;
          t.b = b_ + (j - j0) * piece, t.b_k = round_up(have, L);
          x_.multiply(t, rows, pixel_, step_, j, have, width, sums + (j - j0) * plan_.rows, k == 0, end == columns, tile_);
        }
      }
      if (end >= columns) break;
      k = end;
    }
  }

 private:
  static constexpr int L = Simd<S>::L;

  // Rows k0..k1 of the second factor, `columns` columns from j on.
  void pack(int64_t k0, int64_t k1, int64_t j, int64_t columns, S* to) const {
    const int64_t depth = x_.source.depth;
    for (int64_t k = k0; k < k1;) {
      const int64_t c = k % depth, steps = min_of(depth - c, k1 - k);
      to = x_.factor.template pack<S>(x_.source.axis, k / depth, c, steps, j, columns, to);
      k += steps;
    }
  }

  // Where the rows go, and moves `at` behind them.
  void place_rows(Position& at, int64_t rows) {
    for (int64_t r = 0; r < rows; ++r, at.next(x_.source)) pixel_[r] = at.pixel(x_.source);
    step_ = rows > 1 ? pixel_[1] - pixel_[0] : 1;
    for (int64_t r = 2; r < rows; ++r)
      if (pixel_[r] - pixel_[r - 1] != step_) step_ = 0;
  }

  const ConvProduct<T, S>& x_;
  const RowPlan& plan_;
  S* const a_;
  S* const b_;
  S* const sums_;
  S* const tile_;
  int64_t pixel_[rows_for(1) + rows_for(4) + rows_for(8)];
  int64_t step_ = 0;  // from a row to the next, in pixels; 0 when it differs
  Run runs_[kMostRuns];
};

}  // namespace KG_NS
