// layer_norm and layer_norm_grad by rows; csrc/cpu/norm_rows.cpp and norm_rows_grad.cpp have the formulas and operands.
//
//   layer_norm       x (rows, n): y = (x - mean) inverse [gamma] [+ beta], saved: inverse, mean, and what rounding took from the mean
//   layer_norm_grad  dx = e inverse + (x - mean) slope + offset, e = g [gamma]
//   layer_sums       for each column and chunk of rows: sums of g X and g, X = (x - mean) inverse
//   layer_join       dgamma, dbeta: the chunks in order, in double
//
// A warp takes a row of up to 1024 elements (8 rows a block of 256 threads), a block a longer one; a row is read from memory once and
// then from the first-level cache. layer_sums: 32 columns and 8 rows at a time. y may be x, dx may be g.
// Shared memory: 512 partial sums. Defines: KG_T a float dtype, KG_LANES threads of a row, KG_PART which steps a module holds.
#include "block.cuh"

namespace kg {

typedef KG_T T;
typedef compute<T> A;
constexpr int kLanes = KG_LANES;

struct Params {
  const T *x, *g;
  const A *gamma, *beta, *saved_in;
  T* y;
  A *saved, *dgamma, *dbeta, *partial;
  int64_t rows, n, chunk, chunks;
  double epsilon;
  int32_t centered;
};

KG_DEVICE float root(float x) { return ::sqrtf(x); }
KG_DEVICE double root(double x) { return ::sqrt(x); }
KG_DEVICE float multiply_add(float a, float b, float c) { return ::fmaf(a, b, c); }
KG_DEVICE double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }

KG_DEVICE A join_lanes(A x, A* room) {
  if constexpr (kLanes == 32)
    return join_warp(x, SumJoin());
  else
    return join_block(x, room, SumJoin());
}
KG_DEVICE int64_t own_row() { return kLanes == 32 ? (int64_t)blockIdx.x * 8 + warp_index() : (int64_t)blockIdx.x; }
KG_DEVICE int own_lane() { return kLanes == 32 ? lane_index() : thread_index(); }

#if KG_PART == 0

KG_KERNEL(layer_norm, Params, 256) {
  KG_SHARED(A, room, [32]);
  const int64_t row = own_row();
  if (row >= p.rows) return;
  const T* x = p.x + row * p.n;
  T* y = p.y + row * p.n;
  A mean = 0, s = 0, q = 0;
  if (p.centered) {
    for (int64_t i = own_lane(); i < p.n; i += kLanes) mean += widen(x[i]);
    mean = join_lanes(mean, room) / (A)p.n;
  }
  for (int64_t i = own_lane(); i < p.n; i += kLanes) {
    const A d = widen(x[i]) - mean;
    s += d;
    q = multiply_add(d, d, q);
  }
  s = join_lanes(s, room);
  q = join_lanes(q, room);
  const A rest = p.centered ? s / (A)p.n : A(0), spread = q / (A)p.n - rest * rest;
  const A inverse = 1 / root((spread < 0 ? A(0) : spread) + (A)p.epsilon), shift = -rest * inverse;
  if (own_lane() == 0) {
    p.saved[row] = inverse;
    if (p.centered) {
      p.saved[p.rows + row] = mean;
      p.saved[2 * p.rows + row] = rest;
    }
  }
  for (int64_t i = own_lane(); i < p.n; i += kLanes) {
    A v = multiply_add(widen(x[i]) - mean, inverse, shift);
    if (p.gamma && p.beta)
      v = multiply_add(v, p.gamma[i], p.beta[i]);
    else if (p.gamma)
      v *= p.gamma[i];
    else if (p.beta)
      v += p.beta[i];
    y[i] = narrow<T>(v);
  }
}

#elif KG_PART == 1

KG_KERNEL(layer_norm_grad, Params, 256) {
  KG_SHARED(A, room, [32]);
  const int64_t row = own_row();
  if (row >= p.rows) return;
  const T *x = p.x + row * p.n, *g = p.g + row * p.n;
  T* dx = p.y + row * p.n;
  const A inverse = p.saved_in[row], mean = p.centered ? p.saved_in[p.rows + row] : A(0);
  const A rest = p.centered ? p.saved_in[2 * p.rows + row] : A(0), shift = -rest * inverse;
  A s = 0, q = 0;
  for (int64_t i = own_lane(); i < p.n; i += kLanes) {
    const A u = multiply_add(widen(x[i]) - mean, inverse, shift);
    A e = widen(g[i]);
    if (p.gamma) e *= p.gamma[i];
    s += e;
    q = multiply_add(e, u, q);
  }
  s = join_lanes(s, room);
  q = join_lanes(q, room);
  const A along = inverse * (q / (A)p.n), slope = -inverse * along;
  const A offset = p.centered ? rest * inverse * along - inverse * (s / (A)p.n) : A(0);
  for (int64_t i = own_lane(); i < p.n; i += kLanes) {
    A e = widen(g[i]);
    if (p.gamma) e *= p.gamma[i];
    dx[i] = narrow<T>(multiply_add(e, inverse, multiply_add(widen(x[i]) - mean, slope, offset)));
  }
}

#else

KG_KERNEL(layer_sums, Params, 256) {
  KG_SHARED(A, room, [512]);
  const int64_t strips = (p.n + 31) / 32, chunk = blockIdx.x / strips, i = blockIdx.x % strips * 32 + lane_index();
  const int64_t begin = chunk * p.chunk, end = begin + p.chunk < p.rows ? begin + p.chunk : p.rows;
  A to_gamma = 0, to_beta = 0;
  if (i < p.n)
    for (int64_t r = begin + warp_index(); r < end; r += 8) {
      const A inverse = p.saved_in[r], mean = p.centered ? p.saved_in[p.rows + r] : A(0);
      const A shift = p.centered ? -p.saved_in[2 * p.rows + r] * inverse : A(0);
      const A e = widen(p.g[r * p.n + i]);
      to_gamma = multiply_add(e, multiply_add(widen(p.x[r * p.n + i]) - mean, inverse, shift), to_gamma);
      to_beta += e;
    }
  room[thread_index()] = to_gamma;
  room[256 + thread_index()] = to_beta;
  sync_block();
  if (warp_index() != 0 || i >= p.n) return;
  for (int w = 1; w < 8; ++w) {
    to_gamma += room[32 * w + lane_index()];
    to_beta += room[256 + 32 * w + lane_index()];
  }
  p.partial[2 * chunk * p.n + i] = to_gamma;
  p.partial[(2 * chunk + 1) * p.n + i] = to_beta;
}

KG_KERNEL(layer_join, Params, 256) {
  const int64_t i = global_index();
  if (i >= p.n) return;
  double to_gamma = 0, to_beta = 0;
  for (int64_t k = 0; k < p.chunks; ++k) {
    to_gamma += (double)p.partial[2 * k * p.n + i];
    to_beta += (double)p.partial[(2 * k + 1) * p.n + i];
  }
  p.dgamma[i] = (A)to_gamma;
  p.dbeta[i] = (A)to_beta;
}

#endif

}  // namespace kg
