// The gradient of a convolution's kernel, block by block: how it is cut up, and the sum of one block over some of the positions.
//
// A block is some rows (tap, channel) and columns (filter) of dw; its tiles lie one after another in memory. The windows are read as
// lines where they are long enough (conv_lines.h), else gathered (conv_source.h); either way the tile kernels of GEMM run along
// the positions, with a row of dw for each row of the tile.
#pragma once
#include "conv_lines.h"

namespace KG_NS {

constexpr int64_t kAtOnce = 128;     // positions gathered at a time
constexpr int64_t kBlockRows = 288;  // of gathered windows
constexpr int64_t kBlockColumns = 128;
constexpr int64_t kMostPartial = 1 << 20;  // elements of all slices together, unless there is but one
static_assert(kBlockRows + 16 <= kMostRuns, "a block has at most a run per row");

struct FilterPlan {
  bool by_lines;
  LineShape shape;
  int rows, vectors;  // the tile
  int64_t blocks_down, blocks_across;
  int64_t down, across;   // rows (channels, by lines) and columns of a block
  int64_t tiles;          // of a column of tiles in a block, at most
  int64_t items;          // units, or stretches of kAtOnce positions
  int64_t slice, slices;  // items of a slice, and how many slices
  int64_t ld;             // of gathered rows
  int64_t a, b, sums;     // elements of scratch
};

template <class S, class T> FilterPlan plan_filter(const Source<T>& x, int64_t n, int64_t groups) {
  constexpr int L = Simd<S>::L;
  const int64_t m = x.positions(), k = x.columns();
  FilterPlan p;
  p.shape = plan_lines<S>(x, 1);
  p.by_lines = p.shape.usable && x.axis[2].count >= 4;
  const bool joined = x.axis[2].tap_step == 1 && x.depth == x.pitch && p.shape.block == x.depth && p.shape.pitch == x.depth;
  const int64_t stretch = !p.by_lines ? min_of(k, kBlockRows) : joined ? x.axis[2].taps * x.depth : p.shape.block;
  p.vectors = static_cast<int>(min_of(ceil_div(n, L), stretch <= kRows8 ? 8 : stretch <= kRows4 ? 4 : 2));
  const int64_t most = rows_for(p.vectors), width = int64_t(p.vectors) * L;
  p.rows = static_cast<int>(ceil_div(stretch, ceil_div(stretch, most)));
  if (p.by_lines) {
    p.down = p.shape.block, p.blocks_down = ceil_div(x.depth, p.down);
    p.tiles = x.taps() / (joined ? x.axis[2].taps : 1) * ceil_div(stretch, p.rows);
    p.items = p.shape.units, p.ld = 0, p.a = p.shape.patch;
  } else {
    p.tiles = ceil_div(ceil_div(k, p.rows), ceil_div(k, kBlockRows));
    p.down = p.tiles * p.rows, p.blocks_down = ceil_div(k, p.down);
    p.items = ceil_div(m, kAtOnce);
    p.ld = round_up(p.down, 16) + 16;
    if (p.ld / 16 % 2 == 0) p.ld += 16;  // rows a power of two apart would fall into the same few cache lines
    p.a = kAtOnce * p.ld + L;
  }
  const int64_t columns = ceil_div(n, width);
  p.across = ceil_div(columns, ceil_div(n, kBlockColumns)) * width, p.blocks_across = ceil_div(n, p.across);
  p.b = (p.by_lines ? p.shape.lines * p.shape.segment : kAtOnce) * p.across + L;
  p.sums = p.tiles * p.rows * p.across;
  // Enough chunks for many threads, each with enough to do.
  const double flops = 2.0 * static_cast<double>(groups * m) * static_cast<double>(k) * static_cast<double>(n);
  const int64_t wanted = flops > 32 * kChunkFlops ? 32 : static_cast<int64_t>(flops / kChunkFlops);
  const int64_t blocks = groups * p.blocks_down * p.blocks_across;
  p.slices = min_of(ceil_div(wanted, blocks), min_of(p.items / 4, kMostPartial / (blocks * p.sums)));
  p.slice = std::max<int64_t>(1, ceil_div(p.items, std::max<int64_t>(1, p.slices)));
  p.slices = std::max<int64_t>(1, ceil_div(p.items, p.slice));
  return p;
}

template <class T, class S> class FilterBlock {
 public:
  // Block `down`, `across` of the group whose windows are x and whose n filters begin at first_filter of dy's.
  // dw, when given, is where the sums are made: of all of the group's rows, at its first filter.
  FilterBlock(const Source<T>& x, const FilterPlan& plan, int64_t down, int64_t n, int64_t across, S* dw)
      : x_(x),
        plan_(plan),
        dw_(dw),
        first_(down * plan.down),
        have_(min_of(plan.down, (plan.by_lines ? x.depth : x.columns()) - first_)),
        j0_(across * plan.across),
        j1_(min_of(n, j0_ + plan.across)) {
    joined_ = plan.by_lines && x.axis[2].tap_step == 1 && have_ == x.pitch && plan.shape.pitch == x.pitch;
    stretch_ = joined_ ? x.axis[2].taps * have_ : have_;
    stretches_ = plan.by_lines ? x.taps() / (joined_ ? x.axis[2].taps : 1) : 1;
    each_ = ceil_div(stretch_, plan.rows);
  }

  // Tile rows of this block; the first row of dw of the i-th one, and how many it has.
  int64_t tiles() const { return stretches_ * each_; }
  int64_t row(int64_t i) const {
    const int64_t begin = i % each_ * plan_.rows;
    return begin + (plan_.by_lines ? i / each_ * (joined_ ? x_.axis[2].taps : 1) * x_.depth + first_ : first_);
  }
  int rows(int64_t i) const { return static_cast<int>(min_of(plan_.rows, stretch_ - i % each_ * plan_.rows)); }
  int64_t begin() const { return j0_; }
  int64_t end() const { return j1_; }
  int64_t width() const { return int64_t(plan_.vectors) * L; }
  // Where the tile of the i-th row of tiles and column j is, in the block's sums.
  int64_t at(int64_t i, int64_t j) const { return (i * plan_.across + (j - j0_)) * plan_.rows; }

  // The sums over items item0..item1. dy: at the group's first filter.
  void run(int64_t item0, int64_t item1, const T* dy, int64_t filters, S* scratch, S* sums) const {
    if (item0 >= item1) {
      std::memset(static_cast<void*>(sums), 0, static_cast<size_t>(plan_.sums) * sizeof(S));
    } else if (plan_.by_lines) {
      run_lines(item0, item1, dy, filters, scratch, sums);
    } else {
      run_rows(item0, item1, dy, filters, scratch, sums);
    }
  }

 private:
  static constexpr int L = Simd<S>::L;
  static constexpr bool kConvert = !std::is_same<T, S>::value;

  void run_lines(int64_t item0, int64_t item1, const T* dy, int64_t filters, S* scratch, S* sums) const {
    LineReader<T, S> reader(x_, plan_.shape, scratch);
    reader.select(first_, have_);
    S* packed = scratch + plan_.a;
    const Axis* axis = x_.axis;
    for (int64_t item = item0; item < item1; ++item) {
      const View<S> v = reader.view(item);
      const int64_t lines = v.y1 - v.y0, steps = v.q1 - v.q0;  // several lines are whole ones, which follow one another in dy
      const int64_t position = ((v.image * axis[0].count + v.z) * axis[1].count + v.y0) * axis[2].count + v.q0;
      const T* from = dy + position * filters;
      const bool direct = !kConvert && (filters <= width() || (tiles() < 6 && filters % 256 != 0));
      if (!direct) pack(from, filters, lines * steps, packed);
      int64_t line[kLinePositions];
      for (int64_t y = 0; y < lines; ++y) line[y] = y * axis[1].step * v.line;
      for (int64_t j = j0_; j < j1_; j += width()) {
        const int64_t vectors = ceil_div(min_of(width(), j1_ - j), L);
        for (int64_t i = 0; i < tiles(); ++i) {
          Tile<S> t;
          t.k = steps;
          t.a = v.a + v.runs->at[i / each_] + i % each_ * plan_.rows, t.a_row = 1, t.a_k = axis[2].step * v.pixel;
          t.runs = line, t.run_count = lines;
          if (!direct) {
            t.b = packed + (j - j0_) * lines * steps, t.b_k = vectors * L;
          } else if constexpr (!kConvert) {
            t.b = from + j, t.b_k = filters;
          }
          add(t, i, j, filters, sums, item == item0);
        }
      }
    }
  }

  void run_rows(int64_t item0, int64_t item1, const T* dy, int64_t filters, S* scratch, S* sums) const {
    Run runs[kMostRuns];
    const int64_t count = x_.list_runs(first_, first_ + have_, runs);
    S* packed = scratch + plan_.a;
    const int64_t end = min_of(x_.positions(), item1 * kAtOnce);
    Position at_m(x_, item0 * kAtOnce);
    for (int64_t m = item0 * kAtOnce; m < end; m += kAtOnce) {
      const int64_t steps = min_of(kAtOnce, end - m);
      gather(x_, runs, count, at_m, steps, scratch, plan_.ld);
      for (int64_t s = 0; s < steps; ++s) at_m.next(x_);
      pack(dy + m * filters, filters, steps, packed);
      for (int64_t i = 0; i < tiles(); ++i)
        for (int64_t j = j0_; j < j1_; j += width()) {
          Tile<S> t;
          t.k = steps;
          t.a = scratch + i * plan_.rows, t.a_row = 1, t.a_k = plan_.ld;
          t.b = packed + (j - j0_) * steps, t.b_k = round_up(min_of(width(), j1_ - j), L);
          add(t, i, j, filters, sums, m == item0 * kAtOnce);
        }
    }
  }

  // Columns j0..j1 of dy, strip by strip.
  void pack(const T* dy, int64_t filters, int64_t steps, S* to) const {
    for (int64_t j = j0_; j < j1_; j += width()) {
      const int columns = static_cast<int>(min_of(width(), j1_ - j));
      pack_across<S>(dy + j, filters, columns, steps, to + (j - j0_) * steps, static_cast<int>(round_up(columns, L)));
    }
  }

  // One tile's product, added to the sums that are there unless it is the first.
  void add(Tile<S>& t, int64_t i, int64_t j, int64_t filters, S* sums, bool first) const {
    const int64_t columns = min_of(width(), j1_ - j), vectors = ceil_div(columns, L);
    t.last = columns - (vectors - 1) * L;
    t.c = dw_ ? dw_ + row(i) * filters + j : sums + at(i, j);
    t.c_row = dw_ ? filters : width();
    t.start = first ? nullptr : t.c, t.start_row = t.c_row;
    t.finish = nullptr;
    find_micro<S>(rows(i), static_cast<int>(vectors), true, t.last < L)(t);
  }

  const Source<T>& x_;
  const FilterPlan& plan_;
  S* const dw_;
  int64_t first_, have_;  // rows of dw, or channels of the group
  int64_t j0_, j1_;
  bool joined_;
  int64_t stretch_, stretches_, each_;
};

}  // namespace KG_NS
