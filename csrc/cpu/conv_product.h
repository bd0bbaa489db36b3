// Convolution forward and with respect to the input: the gathered matrix of conv_source.h times the kernel.
//
// The result is cut into chunks of rows (positions) and columns (channels). A chunk goes through the sum in pieces of about
// kConvStep columns of the gathered matrix: it packs its part of the kernel, gathers a few positions at a time, and multiplies
// them with the tile kernels of GEMM. So scratch memory per thread is bounded, whatever the image, and each element is one chain
// of fused multiply-adds in the order of (taps, channels).
#pragma once
#include <algorithm>

#include "conv_source.h"
#include "gemm_run.h"

namespace KG_NS {

constexpr int64_t kConvStep = 512;
static_assert(kConvStep <= kMostRuns, "a piece has at most a run per column");
constexpr int64_t kConvPartial = 1 << 15;  // elements of a chunk
constexpr int64_t kConvPacked = 1 << 17;   // elements of the kernel that a chunk packs at a time

// The kernel as the second factor: element (tap, k; j) is w[tap][k][j], or w[tap][j][k] when transposed.
template <class T> struct Factor {
  const T* w;              // (kernel..., depth, filters)
  int64_t depth, filters;  // depth: channels of a group
  int64_t first_filter;    // of the group
  bool transposed;
  int64_t kernel[3];
};

template <class T, class S> struct ConvProduct {
  Source<T> source;
  Factor<T> factor;
  T* out;  // (batch, axis[].out_size..., out_pitch)
  int64_t out_pitch;
  int64_t out_channel, n;  // of the group: its first channel and how many there are
  const S* bias;           // n of them, or null
  bool relu;

  // The end of the piece of the sum that begins at column k: whole taps, or a part of one.
  int64_t piece_end(int64_t k) const {
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
};

template <class S> struct ConvPlan {
  int rows, vectors;  // the tile
  int64_t chunk_m, chunk_n;
  int64_t piece;             // the longest piece of the sum
  int64_t ld;                // of gathered rows
  bool partial;              // the sum has several pieces
  int64_t a, b, sums, tile;  // elements of scratch: gathered rows, packed kernel, partial sums, one tile
  int64_t scratch() const { return a + b + sums + tile; }
};

template <class T, class S> ConvPlan<S> plan_conv(const ConvProduct<T, S>& x) {
  constexpr int L = Simd<S>::L;
  const int64_t m = x.source.positions(), n = x.n, k = x.source.columns();
  ConvPlan<S> p;
  p.vectors = static_cast<int>(min_of(ceil_div(n, L), m <= kRows8 ? 8 : m <= kRows4 ? 4 : 2));
  const int64_t most = rows_for(p.vectors), width = int64_t(p.vectors) * L;
  p.rows = static_cast<int>(m <= most ? m : m < 8 * most ? ceil_div(m, ceil_div(m, most)) : most);
  p.piece = 0;
  for (int64_t at = 0; at < k; at = x.piece_end(at)) {
    p.piece = std::max(p.piece, x.piece_end(at) - at);
    if (x.piece_end(at) == k) break;
  }
  p.partial = p.piece < k;
  // Few rows: narrow chunks that share the kernel. Many rows: chunks long enough to make little of packing it.
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  p.chunk_n = min_of(n, kConvPacked / (p.piece + 1));
  p.chunk_n = round_up(min_of(p.chunk_n, 256), width);
  p.chunk_m = std::max<int64_t>(p.rows, kConvPartial / p.chunk_n / p.rows * p.rows);
  p.chunk_m = min_of(p.chunk_m, round_up(m, p.rows));
  if (flops >= kSerialFlops) {
    const int64_t wanted = flops > 32 * kChunkFlops ? 32 : static_cast<int64_t>(flops / kChunkFlops);
    const int64_t least_m = 8 * p.rows;
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

// A bias in the dtype that is computed with.
template <class T, class S> class WideBias {
 public:
  WideBias(const T* bias, int64_t n) : memory_(bias && kConvert ? n * int64_t(sizeof(S)) : 0) {
    if constexpr (kConvert) {
      if (bias) to_float(bias, memory_.template as<S>(), n), bias_ = memory_.template as<S>();
    } else {
      bias_ = bias;
    }
  }
  const S* from(int64_t j) const { return bias_ ? bias_ + j : nullptr; }

 private:
  static constexpr bool kConvert = !std::is_same<T, S>::value;
  const Scratch memory_;
  const S* bias_ = nullptr;
};

template <class T, class S> class ConvChunk {
 public:
  ConvChunk(const ConvProduct<T, S>& x, const ConvPlan<S>& plan, S* scratch)
      : x_(x), plan_(plan), a_(scratch), b_(a_ + plan.a), sums_(b_ + plan.b), tile_(sums_ + plan.sums) {}

  // Positions m0..m1, columns j0..j1.
  void run(int64_t m0, int64_t m1, int64_t j0, int64_t j1) {
    const int64_t columns = x_.source.columns();
    const int64_t width = int64_t(plan_.vectors) * L;
    for (int64_t k = 0; k == 0 || k < columns;) {
      const int64_t end = columns > 0 ? x_.piece_end(k) : 0, piece = end - k;
      const int64_t runs = columns > 0 ? x_.source.list_runs(k, end, runs_) : 0;
      for (int64_t j = j0; j < j1; j += width) pack(k, end, j, min_of(width, j1 - j), b_ + (j - j0) * piece);
      Position at(x_.source, m0);
      for (int64_t m = m0; m < m1; m += plan_.rows) {
        const int64_t rows = min_of(plan_.rows, m1 - m);
        gather(x_.source, runs_, runs, at, rows, a_, plan_.ld);
        place_rows(at, rows);
        S* sums = sums_ + (m - m0) * plan_.chunk_n;
        for (int64_t j = j0; j < j1; j += width)
          multiply(rows, piece, j, min_of(width, j1 - j), b_ + (j - j0) * piece, sums + (j - j0) * plan_.rows, k == 0,
                   end == columns);
      }
      if (end >= columns) break;
      k = end;
    }
  }

 private:
  static constexpr int L = Simd<S>::L;
  static constexpr bool kConvert = !std::is_same<T, S>::value;

  // Rows k0..k1 of the second factor, `columns` columns from j on.
  void pack(int64_t k0, int64_t k1, int64_t j, int64_t columns, S* to) const {
    const Factor<T>& f = x_.factor;
    const Axis* axis = x_.source.axis;
    const int64_t depth = x_.source.depth, width = round_up(columns, L);
    for (int64_t k = k0; k < k1;) {
      const int64_t tap = k / depth, c = k % depth, steps = min_of(depth - c, k1 - k);
      const int64_t t2 = tap % axis[2].taps, t1 = tap / axis[2].taps % axis[1].taps, t0 = tap / axis[2].taps / axis[1].taps;
      const int64_t index =
          ((axis[0].kernel_first + t0 * axis[0].kernel_step) * f.kernel[1] + axis[1].kernel_first + t1 * axis[1].kernel_step) *
              f.kernel[2] +
          axis[2].kernel_first + t2 * axis[2].kernel_step;
      const T* w = f.w + index * f.depth * f.filters + f.first_filter;
      if (f.transposed)
        pack_along<S>(w + j * f.filters + c, f.filters, static_cast<int>(columns), steps, to, static_cast<int>(width));
      else
        pack_across<S>(w + c * f.filters + j, f.filters, static_cast<int>(columns), steps, to, static_cast<int>(width));
      to += steps * width;
      k += steps;
    }
  }

  void multiply(int64_t rows, int64_t steps, int64_t j, int64_t columns, const S* b, S* sums, bool first, bool last) {
    const int vectors = static_cast<int>(ceil_div(columns, L));
    const int64_t width = int64_t(plan_.vectors) * L;
    Tile<S> t;
    t.k = steps;
    t.last = columns - (vectors - 1) * L;
    t.a = a_, t.a_row = plan_.ld, t.a_k = 1;
    t.b = b, t.b_k = vectors * L;
    t.start = first ? nullptr : sums;
    t.start_row = width;
    Epilogue<S> finish;
    finish.column_bias = x_.bias ? x_.bias + j : nullptr;
    finish.relu = x_.relu;
    t.finish = last ? &finish : nullptr;
    const bool straight = !kConvert && last && step_ > 0;
    if (!last)
      t.c = sums, t.c_row = width;
    else if (straight)
      t.c = reinterpret_cast<S*>(place(0, j)), t.c_row = step_ * x_.out_pitch;
    else
      t.c = tile_, t.c_row = width;
    find_micro<S>(static_cast<int>(rows), vectors, false, t.last < L)(t);
    if (!last || straight) return;
    for (int64_t r = 0; r < rows; ++r) {
      if constexpr (kConvert)
        from_float(tile_ + r * width, place(r, j), columns);
      else
        std::memcpy(place(r, j), tile_ + r * width, static_cast<size_t>(columns) * sizeof(T));
    }
  }

  // Where the rows go, and moves `at` behind them.
  void place_rows(Position& at, int64_t rows) {
    for (int64_t r = 0; r < rows; ++r, at.next(x_.source)) pixel_[r] = at.pixel(x_.source);
    step_ = rows > 1 ? pixel_[1] - pixel_[0] : 1;
    for (int64_t r = 2; r < rows; ++r)
      if (pixel_[r] - pixel_[r - 1] != step_) step_ = 0;
  }
  T* place(int64_t r, int64_t j) const { return x_.out + pixel_[r] * x_.out_pitch + x_.out_channel + j; }

  const ConvProduct<T, S>& x_;
  const ConvPlan<S>& plan_;
  S* const a_;
  S* const b_;
  S* const sums_;
  S* const tile_;
  int64_t pixel_[rows_for(1) + rows_for(4) + rows_for(8)];
  int64_t step_ = 0;  // from a row to the next, in pixels; 0 when it differs
  Run runs_[kMostRuns];
};

// The products of all groups; `group(g)` makes the g-th.
template <class T, class S, class F> void run_conv(int64_t groups, const F& group) {
  const ConvProduct<T, S> one = group(0);
  const int64_t m = one.source.positions();
  if (m == 0 || one.n == 0) return;
  const ConvPlan<S> plan = plan_conv(one);
  const int64_t across = ceil_div(one.n, plan.chunk_n), down = ceil_div(m, plan.chunk_m);
  const int64_t chunks = groups * across * down;
  Slots<S> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<S>::kMost), chunks)), plan.scratch());
  parallel_for(chunks, [&](int64_t chunk) {
    slots.with([&](S* scratch) {
      const ConvProduct<T, S> x = group(chunk / (across * down));
      const int64_t i = chunk / across % down * plan.chunk_m, j = chunk % across * plan.chunk_n;
      ConvChunk<T, S>(x, plan, scratch).run(i, min_of(i + plan.chunk_m, m), j, min_of(j + plan.chunk_n, one.n));
    });
  });
}

}  // namespace KG_NS
