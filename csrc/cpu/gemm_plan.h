// How a matrix product is cut up, from its sizes alone: the path, the tile, what is packed, blocks and chunks.
#pragma once
#include <type_traits>

#include "gemm_micro.h"

namespace KG_NS {

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int64_t kStepK = 256;   // a B strip of 16 columns: 16 KB, which stay in the first cache level; strips of A: 6 KB
constexpr int64_t kBlockK = 256;  // the packed copies, a megabyte each, stay in reach: measured 7 % faster than 1024
constexpr bool kKeepB = true;
#else
constexpr int64_t kStepK = 512;  // an A strip of 14 rows: 28 KB, which stay there; strips of B, of 32 columns: 64 KB
constexpr int64_t kBlockK = 1024;
constexpr bool kKeepB = false;
#endif
constexpr int64_t kDotM = 48;             // up to this many rows, long dot products beat packing B
constexpr double kSerialFlops = 1 << 20;  // below this one thread is faster than two
constexpr double kChunkFlops = 3 << 18;   // what a chunk should be worth at least
constexpr int64_t kMaxChunkM = 128, kMaxChunkN = 256;
constexpr int64_t kBlock = 1024;     // scratch: kBlock * (2 * kBlockK + kBlock) elements or so, 12 MB of float at most
constexpr int64_t kPiece = 32768;    // elements that are packed at a time, or so
constexpr int64_t kDirectN = 16384;  // columns at a time where B is not packed: there are few rows then

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// The size of the parts, all but the last the same multiple of `grain`, that n is cut into: as few as if `most` were the limit. A short
// last part would cost as much packing as a long one.
inline int64_t even_part(int64_t n, int64_t most, int64_t grain) {
  return n <= most ? n : round_up(ceil_div(n, ceil_div(n, most)), grain);
}

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
    p.vectors = static_cast<int>(min_of(wide, vectors_for(m)));
    const int64_t most = rows_for(p.vectors);
    p.rows = static_cast<int>(m <= most ? m : most > L ? most : ceil_div(m, ceil_div(m, most)));
    grain_m = p.rows;
    grain_n = int64_t(p.vectors) * L;
    // Rows of B that lie a multiple of 2 KB apart share a few lines of the first cache level.
    const bool crowded = n * int64_t(sizeof(T)) % 2048 == 0 && k > 16 && m > 8 * grain_m;
    p.pack_b = kConvert || trans_b || (m > 4 * grain_m && k > 64) || crowded;
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

}  // namespace KG_NS
