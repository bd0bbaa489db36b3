// The tile that a planner's macros describe, and how its elements are stored.
//
// Defines: KG_T the element type; KG_M, KG_N, KG_K the tile; KG_WM, KG_WN warps down and across; KG_MMA 0 for ordinary cores, 1 for
// mma.sync, with KG_WK warps along k and KG_STAGES panels, 2 for wgmma, with KG_STAGES and KG_ROUND 1 where floats are rounded, 3
// for wgmma with panels that come as boxes (gemm_tma.cuh; gemm_tiled.cu only);
// KG_VA, KG_VB elements that are copied at once from A and B; KG_DA, KG_DB 1 where the operand is deep (gemm_panel.cuh); KG_INDEX
// int32_t or int64_t; KG_BLOCKS that a multiprocessor should hold; KG_WHOLE 1 when the sums are results, 0 when they are partial
// sums of one stretch of k; KG_SUMS 1 when the first blocks sum the columns of B (column_sums.cuh).
#pragma once
#include "column_sums.cuh"
#include "gemm_mma.cuh"
#include "gemm_simt.cuh"
#if KG_MMA >= 2
#include "gemm_wgmma.cuh"
#endif

namespace kg {

typedef KG_T T;
#if KG_MMA >= 2
typedef WgmmaTile<T, KG_M, KG_N, KG_K, KG_WM, KG_WN, KG_STAGES, KG_VA, KG_VB, KG_DA, KG_DB, KG_ROUND> Tile;
#elif KG_MMA
typedef MmaTile<T, KG_M, KG_N, KG_K, KG_WM, KG_WN, KG_WK, KG_STAGES, KG_VA, KG_VB, KG_DA, KG_DB> Tile;
#else
typedef SimtTile<T, KG_M, KG_N, KG_K, KG_WM, KG_WN, KG_VA, KG_VB, KG_DA, KG_DB> Tile;
#endif
typedef Tile::Sum Sum;

// act(alpha v + bias) (+ what is there); or, with a mask, alpha v + bias where the mask is positive and 0 elsewhere.
struct Epilogue {
  const T* bias;
  const T* mask;  // of the result's shape, or null
  double alpha;
  int32_t bias_kind;  // 0 none, 1 one for each column, 2 one for each row
  int32_t relu, accumulate;
  int32_t packed;  // rows begin at multiples of kVector elements: they are stored as one

  KG_DEVICE Sum value(Sum v, int64_t row, int64_t column) const {
    v *= (Sum)alpha;
    if (bias_kind) v += widen(bias[bias_kind == 1 ? column : row]);
    if (relu && v < Sum(0)) v = 0;  // NaN stays
    return v;
  }
};

// Stores count neighbouring elements v of a row from `column` on, `at` elements behind the first of c; columns from n on are outside.
template <int count, class Value> KG_DEVICE void store_row(T* c, int64_t at, const Sum (&v)[count], int column, int n,
                                                           const Epilogue& e, const Value& value) {
  if (column >= n) return;
  T* const to = c + at;
  if (e.packed) {
    Pack<T, count> out, mask;
    if (e.mask) mask = *reinterpret_cast<const Pack<T, count>*>(e.mask + at);
    KG_UNROLL
    for (int q = 0; q < count; ++q) {
      Sum x = value(v[q], column + q);
      if (e.mask && !(widen(mask.at[q]) > Sum(0))) x = 0;
      if (e.accumulate) x += widen(to[q]);
      out.at[q] = narrow<T>(x);
    }
    *reinterpret_cast<Pack<T, count>*>(to) = out;
    return;
  }
  KG_UNROLL
  for (int q = 0; q < count; ++q) {
    if (column + q >= n) return;
    Sum x = value(v[q], column + q);
    if (e.mask && !(widen(e.mask[at + q]) > Sum(0))) x = 0;
    if (e.accumulate) x += widen(to[q]);
    to[q] = narrow<T>(x);
  }
}

// Partial sums of the whole tile, without a look at what is outside: (kM, kN) of a slab of its own.
struct PutPartial {
  Sum* to;
  KG_DEVICE Sum* row(int i) const { return to + i * Tile::kN; }
  template <int count> KG_DEVICE void operator()(Sum* place, int j, const Sum (&v)[count]) const {
    Pack<Sum, count> all;
    KG_UNROLL
    for (int c = 0; c < count; ++c) all.at[c] = v[c];
    *reinterpret_cast<Pack<Sum, count>*>(place + j) = all;
  }
};

// Tile number -> (down, across), so that blocks which run side by side share rows and columns: strips of `deep` tiles down.
KG_DEVICE void place_of(int tile, int down, int across, int& i, int& j) {
  constexpr int deep = 8;
  const int strip = tile / (deep * across), first = strip * deep, here = down - first < deep ? down - first : deep;
  const int rest = tile - strip * deep * across;
  i = first + rest % here;
  j = rest / here;
}

}  // namespace kg
