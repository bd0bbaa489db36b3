// Column sums that blocks of another kernel make beside its own work: y[j] = sum over r of x[r][j], x (n, inner).
//
// A layer's weight gradient x^T dz and its bias gradient, the column sums of dz, read the same array and wait for the same call: the
// first blocks of the grid make the sums, the others the product. They have the bits of `reduce`: 256 / width sums of a strip of `width`
// columns, each in four parts, joined in halves (`columns` of reduce.cu), whatever the number of threads. n may be cut into chunks, whose
// sums, (chunks, inner) of them in `partial`, a later kernel joins alike.
// Shared memory: 256 sums. Defines: KG_SUMS 1 where a kernel has such blocks.
#pragma once
#include "numeric.cuh"

namespace kg {

template <class T> struct ColumnSums {
  const T* x;
  T* y;                 // null: sums go to `partial`
  compute<T>* partial;  // written, or read by the kernel that joins
  int64_t n, inner;     // n: rows of x, or chunks where they are joined
  int64_t chunk;        // rows of a chunk
  int32_t width, blocks;
};

// Block `block` of s.blocks, all of its threads. joins: adds up partial sums.
template <bool joins, class T> KG_DEVICE void sum_columns(const ColumnSums<T>& s, int block, compute<T>* room) {
  typedef compute<T> A;
  const int64_t strips = (s.inner + s.width - 1) / s.width;
  const int64_t first = block % strips * s.width, chunk = block / strips, begin = chunk * s.chunk;
  const int64_t end = s.n - begin < s.chunk ? s.n : begin + s.chunk;
  const int rows = 256 / s.width, threads = (int)blockDim.x;
  const auto element = [&](int64_t at) -> A {
    if constexpr (joins)
      return s.partial[at];
    else
      return widen(s.x[at]);
  };
  KG_LOOP
  for (int v = thread_index(); v < 256; v += threads) {
    const int64_t j = first + v % s.width;
    A a[4] = {0, 0, 0, 0};
    if (j < s.inner) {
      int64_t r = begin + v / s.width;
      KG_LOOP
      for (; r + 3 * rows < end; r += 4 * rows) {
        KG_UNROLL
        for (int k = 0; k < 4; ++k) a[k] += element((r + k * rows) * s.inner + j);
      }
      KG_LOOP
      for (; r < end; r += rows) a[0] += element(r * s.inner + j);
    }
    room[v] = (a[0] + a[1]) + (a[2] + a[3]);
  }
  KG_LOOP
  for (int half = rows / 2; half > 0; half /= 2) {
    sync_block();
    KG_LOOP
    for (int v = thread_index(); v < half * s.width; v += threads) room[v] += room[v + half * s.width];
  }
  // What a thread stores it has summed itself: threads are a multiple of 32, and a strip has at most 32 columns.
  const int64_t j = first + thread_index();
  if (thread_index() >= s.width || j >= s.inner) return;
  if (s.y)
    s.y[j] = narrow<T>(room[thread_index()]);
  else
    s.partial[chunk * s.inner + j] = room[thread_index()];
}

}  // namespace kg
