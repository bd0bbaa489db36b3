// layer_norm_grad; csrc/cpu/norm_rows_grad.cpp has the formula and the operands.
//
//   layer_norm_grad  dx = e inverse + (x - mean) slope + offset, e = g [gamma]; dx may be g
//   layer_sums       for each column and chunk of rows: sums of g X and g, X = (x - mean) inverse; 32 columns and 8 rows at a time
//   layer_join       dgamma, dbeta: the chunks in order, in double
//
// Blocks and defines: norm_rows.cuh; KG_PART 0 for dx, 1 for the sums. Shared memory: 32 (dx) or 512 partial sums.
#include "norm_rows.cuh"

namespace kg {

#if KG_PART == 0

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
