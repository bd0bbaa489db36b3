// The fast way to compute a convolution's product, for lines that are long enough: see conv_lines.h. Sums run over (blocks of
// channels, taps, channels of the block); most kernels have one block.
#pragma once
#include "conv_lines.h"
#include "conv_product.h"

namespace KG_NS {

struct LinePlan {
  bool usable = false;
  LineShape shape;
  int rows, vectors;  // the tile
  int64_t chunk_units, chunk_n;
  int64_t tiles;          // of a unit
  int64_t b, sums, tile;  // elements of scratch
  int64_t scratch() const { return shape.patch + b + sums + tile; }
};

template <class T, class S> LinePlan plan_line_product(const ConvProduct<T, S>& x) {
  constexpr int L = Simd<S>::L;
  const int64_t depth = x.source.depth, q = x.source.axis[2].count, n = x.n;
  LinePlan p;
  p.vectors = static_cast<int>(min_of(ceil_div(n, L), q <= kRows8 ? 8 : q <= kRows4 ? 4 : 2));
  const int64_t most = rows_for(p.vectors), width = int64_t(p.vectors) * L;
  // Short lines make small tiles, which spend their time on loading the kernel.
  if (q < 3 || (n > width && q * p.vectors < 12)) return p;
  p.shape = plan_lines<S>(x.source, most);
  const LineShape& s = p.shape;
  if (!s.usable) return p;
  p.usable = true;
  p.rows = static_cast<int>(ceil_div(s.segment, ceil_div(s.segment, most)));
  p.tiles = s.lines * (s.segment / p.rows);
  const int64_t piece = x.source.taps() * s.block, unit = p.tiles * p.rows;
  const bool partial = s.block < depth;
  p.chunk_n = round_up(min_of(min_of(n, kConvPacked / piece), 256), width);
  p.chunk_units = std::max<int64_t>(1, min_of(s.units, (partial ? kConvPartial / p.chunk_n : 1024) / unit));
  const double flops = x.flops();
  if (flops >= kSerialFlops) {
    const int64_t wanted = flops > 32 * kChunkFlops ? 32 : static_cast<int64_t>(flops / kChunkFlops);
    while (ceil_div(s.units, p.chunk_units) * ceil_div(n, p.chunk_n) < wanted && (p.chunk_units > 1 || p.chunk_n > width)) {
      if ((p.chunk_units * unit > 2 * kLinePositions || p.chunk_n <= width) && p.chunk_units > 1)
        p.chunk_units = ceil_div(p.chunk_units, 2);
      else
        p.chunk_n = round_up(p.chunk_n / 2, width);
    }
  } else if (!partial) {
    p.chunk_units = s.units;
  }
  p.b = round_up(p.chunk_n, L) * piece + L;
  p.sums = partial ? p.chunk_units * unit * p.chunk_n : 0;
  p.tile = p.rows * width;
  return p;
}

template <class T, class S> class LineChunk {
 public:
  LineChunk(const ConvProduct<T, S>& x, const LinePlan& plan, S* scratch)
      : x_(x),
        plan_(plan),
        reader_(x.source, plan.shape, scratch),
        b_(scratch + plan.shape.patch),
        sums_(b_ + plan.b),
        tile_(sums_ + plan.sums) {}

  // Units u0..u1, columns j0..j1.
  void run(int64_t u0, int64_t u1, int64_t j0, int64_t j1) {
    const int64_t width = int64_t(plan_.vectors) * L, taps = x_.source.taps(), depth = x_.source.depth;
    for (int64_t c = 0; c < depth; c += plan_.shape.block) {
      const int64_t block = min_of(plan_.shape.block, depth - c);
      first_ = c == 0, last_ = c + block == depth;
      piece_ = taps * block;
      for (int64_t j = j0; j < j1; j += width) {
        S* to = b_ + (j - j0) * piece_;
        for (int64_t tap = 0; tap < taps; ++tap)
          to = x_.factor.template pack<S>(x_.source.axis, tap, c, block, j, min_of(width, j1 - j), to);
      }
      reader_.select(c, block);
      for (int64_t u = u0; u < u1; ++u)
        unit(reader_.view(u), sums_ + (u - u0) * plan_.tiles * plan_.rows * plan_.chunk_n, j0, j1);
    }
  }

 private:
  static constexpr int L = Simd<S>::L;

  void unit(const View<S>& v, S* sums, int64_t j0, int64_t j1) {
    const Axis &a0 = x_.source.axis[0], &a1 = x_.source.axis[1], &a2 = x_.source.axis[2];
    const int64_t width = int64_t(plan_.vectors) * L;
    for (int64_t y = v.y0; y < v.y1; ++y) {
      const int64_t plane = v.image * a0.out_size + a0.out_first + v.z * a0.out_step;
      const int64_t begin = (plane * a1.out_size + a1.out_first + y * a1.out_step) * a2.out_size + a2.out_first;
      for (int64_t q = v.q0; q < v.q1; q += plan_.rows, sums += plan_.rows * plan_.chunk_n) {
        const int64_t rows = min_of(plan_.rows, v.q1 - q), at = begin + q * a2.out_step;
        for (int64_t j = j0; j < j1; j += width) {
          const int64_t columns = min_of(width, j1 - j);
          Tile<S> t;
          t.k = v.runs->length;
          t.a = v.a + (y - v.y0) * a1.step * v.line + (q - v.q0) * a2.step * v.pixel;
          t.a_row = a2.step * v.pixel, t.a_k = 1;
          t.runs = v.runs->at, t.run_count = v.runs->count;
          t.b = b_ + (j - j0) * piece_, t.b_k = round_up(columns, L);
          x_.multiply(t, rows, &at, a2.out_step, j, columns, width, sums + (j - j0) * plan_.rows, first_, last_, tile_);
        }
      }
    }
  }

  const ConvProduct<T, S>& x_;
  const LinePlan& plan_;
  LineReader<T, S> reader_;
  S* const b_;
  S* const sums_;
  S* const tile_;
  int64_t piece_ = 0;
  bool first_ = true, last_ = true;
};

}  // namespace KG_NS
