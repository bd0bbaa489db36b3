// GEMM, the plain version for any dtype: C[b] = act(alpha op(A[b]) op(B[b]) + bias) (+ C[b] when accumulate).
//
// act: relu, or relu_grad, which keeps what is where mask[b] > 0 and puts 0 elsewhere.
// A is (m, k), or (k, m) when trans_a; B is (k, n), or (n, k) when trans_b; C (m, n); row-major, one after another per batch entry.
// A block of 16 x 16 threads makes a 64 x 64 tile of C, each thread 4 x 4 elements, from tiles of 16 columns of A and 16 rows of B in
// shared memory. Every element is summed in the order of k, then scaled, biased, activated and added with one rounding each. Half
// types are summed in float; integers wrap; bool is "and" and "or".
// Grid: tiles of n, tiles of m, batch entries (walked with a stride when there are more than 65535), all in one dimension.
// Shared memory: 2 x 16 x 65 elements of A. Defines: KG_T, and KG_A, the type that is summed in.
#include "numeric.cuh"

namespace kg {

typedef KG_T T;
typedef KG_A A;

struct Params {
  const T *a, *b, *bias, *mask;
  T* c;
  int64_t batch, m, n, k, a_stride, b_stride;
  double alpha;
  int32_t trans_a, trans_b, bias_kind, relu, accumulate, unit_alpha;
};

constexpr int kTile = 64, kDepth = 16, kOwn = 4;

template <class T, class A> KG_DEVICE A multiply_add(A x, A y, A sum) {
  if constexpr (is_same<T, bool>)
    return sum | (x & y);
  else if constexpr (is_same<A, float>)
    return ::fmaf(x, y, sum);
  else if constexpr (is_same<A, double>)
    return ::fma(x, y, sum);
  else
    return sum + x * y;
}

// mask: of this element, or null.
template <class T, class A> KG_DEVICE void store(T* to, A v, const T* mask, bool relu, bool accumulate) {
  if constexpr (is_float<T> || is_same<T, bool>) {
    if (relu && v < A(0)) v = A(0);
    if constexpr (is_float<T>) {
      if (mask && !(load<A>(mask, 0) > A(0))) v = A(0);
    }
    if (accumulate) v = v + load<A>(to, 0);
    *to = convert<T>(v);
  } else {
    T y = (T)v;
    if (relu && y < T(0)) y = T(0);
    if (mask && !(*mask > T(0))) y = T(0);
    *to = accumulate ? (T)((A)*to + (A)y) : y;
  }
}

KG_KERNEL(gemm, Params, 256) {
  KG_SHARED(A, left, [kDepth][kTile + 1]);
  KG_SHARED(A, right, [kDepth][kTile + 1]);
  const int64_t columns = (p.n + kTile - 1) / kTile, rows = (p.m + kTile - 1) / kTile;
  const int tid = thread_index(), ty = tid / 16, tx = tid % 16;
  for (int64_t tile = blockIdx.x; tile < p.batch * rows * columns; tile += gridDim.x) {
    const int64_t entry = tile / (rows * columns), i0 = tile / columns % rows * kTile, j0 = tile % columns * kTile;
    const T *a = p.a + entry * p.a_stride, *b = p.b + entry * p.b_stride;
    A sum[kOwn][kOwn] = {};
    for (int64_t k0 = 0; k0 < p.k; k0 += kDepth) {
      sync_block();  // the tiles may still be read
      for (int q = tid; q < kTile * kDepth; q += 256) {
        // Neighbouring threads read neighbouring elements, whichever way the operand lies.
        const int i = p.trans_a ? q % kTile : q / kDepth, ka = p.trans_a ? q / kTile : q % kDepth;
        const bool in_a = i0 + i < p.m && k0 + ka < p.k;
        left[ka][i] = in_a ? load<A>(a, p.trans_a ? (k0 + ka) * p.m + i0 + i : (i0 + i) * p.k + k0 + ka) : A(0);
        const int j = p.trans_b ? q / kDepth : q % kTile, kb = p.trans_b ? q % kDepth : q / kTile;
        const bool in_b = j0 + j < p.n && k0 + kb < p.k;
        right[kb][j] = in_b ? load<A>(b, p.trans_b ? (j0 + j) * p.k + k0 + kb : (k0 + kb) * p.n + j0 + j) : A(0);
      }
      sync_block();
      KG_UNROLL
      for (int kk = 0; kk < kDepth; ++kk) {
        A x[kOwn], y[kOwn];
        KG_UNROLL
        for (int e = 0; e < kOwn; ++e) {
          x[e] = left[kk][ty + 16 * e];
          y[e] = right[kk][tx + 16 * e];
        }
        KG_UNROLL
        for (int e = 0; e < kOwn; ++e) {
          KG_UNROLL
          for (int f = 0; f < kOwn; ++f) sum[e][f] = multiply_add<T>(x[e], y[f], sum[e][f]);
        }
      }
    }
    for (int e = 0; e < kOwn; ++e)
      for (int f = 0; f < kOwn; ++f) {
        const int64_t i = i0 + ty + 16 * e, j = j0 + tx + 16 * f;
        if (i >= p.m || j >= p.n) continue;
        A v = sum[e][f];
        if (!p.unit_alpha) v = (A)(v * (A)p.alpha);
        if (p.bias_kind) v = v + load<A>(p.bias, p.bias_kind == 1 ? j : i);
        const int64_t at = (entry * p.m + i) * p.n + j;
        store<T>(p.c + at, v, p.mask ? p.mask + at : nullptr, p.relu, p.accumulate);
      }
  }
}

}  // namespace kg
