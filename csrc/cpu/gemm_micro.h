// The innermost loop of GEMM: an R x (V vectors) tile of C held in registers, C[i][j] = sum over p of A[i][p] * B[p][j].
//
// Every element of C is one chain of fused multiply-adds in the order of p. A tile may start from partial sums stored earlier,
// so neither the tile's shape nor the blocking of k changes a single bit of the result.
#pragma once
#include "gemm_simd.h"

namespace KG_NS {

// What happens to a finished sum: c = act(alpha * sum + bias) (+ c), act being relu or the gradient of one, which keeps what
// stands where its output was positive. Each step rounds by itself, as separate kernels would.
template <class S> struct Epilogue {
  S alpha = 1;
  const S* column_bias = nullptr;  // of this tile's first column, or null
  const S* row_bias = nullptr;     // of this tile's first row, or null
  bool relu = false;
  const S* relu_output = nullptr;  // of this tile's first element, or null; its rows are c_row apart, as those of c
  bool accumulate = false;
};

template <class S> struct Tile {
  int64_t k;
  const S* a;  // element (i, p) at a[i * a_row + p * a_k]; one of the two strides is 1
  int64_t a_row, a_k;
  int64_t ahead = 0;  // elements from here to what the next tile reads of A, to have it fetched meanwhile
  // A in several stretches of k columns each, one after another along p: the r-th begins runs[r] elements after a. null: one at a.
  const int64_t* runs = nullptr;
  int64_t run_count = 1;
  const S* b;  // element (p, j) at b[p * b_k + j]
  int64_t b_k;
  const S* start;  // partial sums to go on from, or null for zeros
  int64_t start_row;
  S* c;
  int64_t c_row;
  const S* next = nullptr;    // what the next tile writes, to have it fetched meanwhile; null: fetch c
  int64_t last;               // columns in the last vector, 1..L
  const Epilogue<S>* finish;  // null: store the plain sums
};

// NaN passes through, as it does in max(x, 0) of NumPy.
template <class V> inline V relu_of(V x) {
  const V zero = {};
  return zero > x ? zero : x;
}
inline float relu_of(float x) { return 0.0f > x ? 0.0f : x; }
inline double relu_of(double x) { return 0.0 > x ? 0.0 : x; }

template <class V> inline V relu_grad_of(V x, V y) { return y > 0 ? x : V{}; }

template <class S> inline S finish_scalar(S sum, const Epilogue<S>& e, int64_t i, int64_t j, int64_t c_row, S c) {
  S x = e.alpha * sum;
  if (e.column_bias) x = x + e.column_bias[j];
  if (e.row_bias) x = x + e.row_bias[i];
  if (e.relu) x = relu_of(x);
  if (e.relu_output) x = relu_grad_of(x, e.relu_output[i * c_row + j]);
  return e.accumulate ? c + x : x;
}

// kAcross: A runs along i (a_row == 1: packed or transposed A); otherwise along p (a_k == 1). kPart: the last vector is partial.
template <class S, int R, int V, bool kAcross, bool kPart> void micro(const Tile<S>& t) {
  using Vec = typename Simd<S>::V;
  constexpr int L = Simd<S>::L;
  const Mask<S> mask(kPart ? t.last : L);
  auto load_row = [&](const S* p, Vec* to) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) to[v] = kPart && v == V - 1 ? mask.load(p + v * L) : load<Vec>(p + v * L);
  };

  Vec sum[R][V];
  if (t.start) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) load_row(t.start + i * t.start_row, sum[i]);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[i][v] = Vec{};
    }
  }

  // The next result's lines arrive while the sums are made.
  const S* soon = t.next ? t.next : t.c;
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 8
    for (int v = 0; v < V; v += kVecBytes >= 64 ? 1 : 64 / kVecBytes) __builtin_prefetch(soon + i * t.c_row + v * L, 1);
  }

  // Rows in groups of four share a pointer, which keeps the addresses in few registers.
  constexpr int kGroups = kAcross ? 1 : (R + 3) / 4;
  const S* a[kGroups];
  const int64_t row = t.a_row, step = t.a_k, ahead = t.ahead;
  const S* b = t.b;
  const int64_t b_step = t.b_k;
  auto one = [&](int u) __attribute__((always_inline)) {
    Vec bv[V];
    load_row(b, bv);
    b += b_step;
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const Vec av = broadcast(kAcross ? a[0][i] : a[i / 4][(i % 4) * row + u]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) add_product(sum[i][v], av, bv[v]);
    }
    if (kAcross) {
      __builtin_prefetch(a[0] + ahead);
      a[0] += step;
    }
  };
  int64_t run = 0;
  do {
    const S* begin = t.runs ? t.a + t.runs[run] : t.a;
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) a[g] = begin + 4 * g * row;
    int64_t p = t.k;
    for (; p >= 4; p -= 4) {
#pragma GCC unroll 4
      for (int u = 0; u < 4; ++u) one(u);
      if (!kAcross) {
        // A line of each row in turn: 16 floats last for four rounds.
        const int64_t later = ahead + p / 4 % 4 * row;
#pragma GCC unroll 4
        for (int g = 0; g < kGroups; ++g) {
          __builtin_prefetch(a[g] + later);
          a[g] += 4;
        }
      }
    }
    for (; p > 0; --p) {
      one(0);
      if (!kAcross) {
#pragma GCC unroll 4
        for (int g = 0; g < kGroups; ++g) a[g] += 1;
      }
    }
  } while (++run < t.run_count);

  if (t.finish) {
    const Epilogue<S>& e = *t.finish;
    if (e.alpha != 1) {
      const Vec alpha = broadcast(e.alpha);
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[i][v] = alpha * sum[i][v];
      }
    }
    if (e.column_bias) {
      Vec bias[V];
      load_row(e.column_bias, bias);
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[i][v] = sum[i][v] + bias[v];
      }
    }
    if (e.row_bias) {
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        const Vec bias = broadcast(e.row_bias[i]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[i][v] = sum[i][v] + bias;
      }
    }
    if (e.relu) {
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[i][v] = relu_of(sum[i][v]);
      }
    }
    if (e.relu_output) {
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        Vec y[V];
        load_row(e.relu_output + i * t.c_row, y);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[i][v] = relu_grad_of(sum[i][v], y[v]);
      }
    }
    if (e.accumulate) {
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        Vec old[V];
        load_row(t.c + i * t.c_row, old);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[i][v] = old[v] + sum[i][v];
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
    S* c = t.c + i * t.c_row;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      if (kPart && v == V - 1)
        mask.store(c + v * L, sum[i][v]);
      else
        store(c + v * L, sum[i][v]);
    }
  }
}

// The largest tiles that fit the register file: rows for a tile of V vectors. Few rows get wide tiles, for enough chains in flight.
#if defined(__AVX512F__)
constexpr int kRows2 = 14, kRows3 = 6, kRows4 = 6, kRows8 = 3;
#elif defined(__ARM_NEON)
constexpr int kRows2 = 12, kRows3 = 6, kRows4 = 6, kRows8 = 2;
#elif defined(__AVX2__)
constexpr int kRows2 = 6, kRows3 = 4, kRows4 = 2, kRows8 = 1;
#else
constexpr int kRows2 = 6, kRows3 = 3, kRows4 = 3, kRows8 = 1;
#endif
constexpr int rows_for(int vectors) { return vectors <= 2 ? kRows2 : vectors == 3 ? kRows3 : vectors <= 4 ? kRows4 : kRows8; }
// The vectors of a tile for so many rows.
constexpr int vectors_for(int64_t rows) { return rows <= kRows8 ? 8 : rows <= kRows4 ? 4 : rows < kRows3 ? 3 : 2; }

template <class S> using Micro = void (*)(const Tile<S>&);

// The kernel for `rows` x `vectors`; rows in 1..rows_for(vectors), vectors in 1..8. part: the last vector is partial.
template <class S> Micro<S> find_micro(int rows, int vectors, bool across, bool part);
extern template Micro<float> find_micro<float>(int, int, bool, bool);
extern template Micro<double> find_micro<double>(int, int, bool, bool);

}  // namespace KG_NS
