// layer_norm: x (rows, n): y = (x - mean) inverse [gamma] [+ beta], saved: inverse, mean, and what rounding took from the mean;
// csrc/cpu/norm_rows.cpp has the formula and the operands. y may be x.
//
// Blocks and defines: norm_rows.cuh. Shared memory: 32 partial sums.
#include "norm_rows.cuh"

namespace kg {

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

}  // namespace kg
