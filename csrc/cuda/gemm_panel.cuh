// Tiles of a matrix product: how a piece of an operand lies in shared memory, and which thread brings which part of it.
//
// A product C (m, n) = A (m, k) B (k, n) is made tile by tile: a block owns kM x kN elements of C and walks over k in steps of kK. For
// each step it copies a panel of A and one of B to shared memory. An operand is "deep" when its k is contiguous in memory (A as it
// is, B transposed) and "wide" when its m or n is; a panel keeps the way of the operand, so that both sides of a copy are contiguous:
//
//   deep   rows are m or n, columns k     [outer][kK]
//   wide   rows are k, columns m or n     [kK][outer]
//
// Threads copy `vec` neighbouring elements at a time (16 bytes where sizes allow it, else one element). Thread t always has the same
// column and the rows t / (columns / vec) + q * kRowStep: source.get(q, at) says where those elements are, or that they are outside.
#pragma once
#include "numeric.cuh"

namespace kg {

typedef KG_INDEX Index;  // for steps within an operand: int32_t where a tile's rows lie within 2^31 elements, else int64_t

// Which rows and column of a panel a thread copies.
template <int rows, int columns, int vec, int threads> struct Share {
  static constexpr int kPerRow = columns / vec;
  static constexpr int kRowStep = threads / kPerRow;
  static constexpr int kPieces = (rows + kRowStep - 1) / kRowStep;
  static constexpr bool kUneven = rows % kRowStep != 0;  // the last piece may be below the panel
  static_assert(columns % vec == 0 && threads % kPerRow == 0, "a thread needs one column");
  KG_DEVICE static int row() { return thread_index() / kPerRow; }
  KG_DEVICE static int column() { return thread_index() % kPerRow * vec; }
  KG_DEVICE static bool has(int q) { return !kUneven || row() + q * kRowStep < rows; }
};

// A panel for tensor cores. Banks: 16-byte chunks of a row are exchanged by an exclusive or with the row's number, so that the 8 rows
// of an ldmatrix lie in different ones; a wide panel of floats, which is read one float at a time from 4 rows and 8 columns, has 8 more
// columns instead.
template <class T, int outer, int kK, bool deep> struct Panel {
  static constexpr bool kSingle = !deep && sizeof(T) == 4;
  static constexpr int kRows = deep ? outer : kK, kColumns = deep ? kK : outer, kPitch = kColumns + (kSingle ? 8 : 0);
  static constexpr int kBytes = kRows * kPitch * (int)sizeof(T);
  static constexpr int kRowBytes = kColumns * (int)sizeof(T), kEach = 16 / (int)sizeof(T);
  static_assert(kRowBytes >= 32 && (kRowBytes & (kRowBytes - 1)) == 0, "rows of a panel have 32, 64, 128, ... bytes");

  KG_DEVICE static int twist(int row) { return kRowBytes >= 128 ? row & 7 : kRowBytes == 64 ? row >> 1 & 3 : row >> 2 & 1; }
  // Index of element (row, column).
  KG_DEVICE static int at(int row, int column) {
    if (kSingle) return row * kPitch + column;
    return row * kPitch + ((column / kEach) ^ twist(row)) * kEach + column % kEach;
  }
  // Index of chunk c of a row.
  KG_DEVICE static int chunk(int row, int c) { return row * kPitch + (c ^ twist(row)) * kEach; }
};

// Copies a panel, asynchronously where an element or more is 4 bytes.
template <class P, class T, class S, int vec, class Source> KG_DEVICE void fetch(T* panel, const Source& source) {
  KG_UNROLL
  for (int q = 0; q < S::kPieces; ++q) {
    if (!S::has(q)) continue;
    const T* at;
    const bool inside = source.get(q, at);
    T* to = panel + P::at(S::row() + q * S::kRowStep, S::column());
    if constexpr (vec * sizeof(T) >= 4) {
      copy_async<vec*(int)sizeof(T)>(to, at, inside ? vec * (int)sizeof(T) : 0);
    } else {
      *to = inside ? *at : T{};
    }
  }
}

// The operand of a plain product: element (i, kk) at base[i * pitch + kk] (deep) or base[kk * pitch + i] (wide), i < count. The walk
// begins at k and ends before `end`.
template <class T, class S, int kK, bool deep> struct MatrixSource {
  const T* base;
  const T* first;
  Index step, walk;   // from piece to piece, from tile to tile
  int rows, columns;  // what is left from this thread's first element on

  KG_DEVICE MatrixSource(const T* base, int64_t pitch, int i, int count, int k, int end) : base(base) {
    const int row = (deep ? i : k) + S::row(), column = (deep ? k : i) + S::column();
    first = base + row * pitch + column;
    step = (Index)(S::kRowStep * pitch);
    walk = (Index)(deep ? kK : kK * pitch);
    rows = (deep ? count : end) - row;
    columns = (deep ? end : count) - column;
  }
  KG_DEVICE bool get(int q, const T*& at) const {
    const bool inside = q * S::kRowStep < rows && columns > 0;
    at = inside ? first + q * step : base;
    return inside;
  }
  KG_DEVICE void next() {
    first += walk;
    if (deep)
      columns -= kK;
    else
      rows -= kK;
  }
};

}  // namespace kg
