// batch_norm_grad; csrc/cpu/norm_batch_grad.cpp has the formulas and operands. Steps, each a launch:
//   grad_sums    for each channel and chunk: sums of g and g (x - mean), g only where y > 0 with relu
//   grad_join    a warp takes a group: c1, c0 with dx = factor g + (x - center) c1 + c0, and sums for dgamma and dbeta
//   grad_params  dgamma, dbeta: over the samples in order
//   grad_apply   dx
// Layout, blocks and shared memory: norm.cuh. Defines: KG_T a float dtype.
#include "norm.cuh"

namespace kg {

KG_KERNEL(grad_sums, Params, 256) {
  KG_SHARED(A, room, [512]);
  const Share own = own_share(p);
  A s = 0, q = 0;
  if (own.real) {
    const int64_t groups = p.channels / p.group, at = own.sample * groups + own.channel / p.group;
    const A mean = p.mean_in[at], factor = channel_factor(p, own.channel, p.saved_in[at]);
    const A offset = channel_offset(p, own.channel, factor, p.saved_in[p.samples * groups + at]);
    for (int64_t r = own.begin + own.first; r < own.end; r += own.step) {
      const int64_t e = place(p, own.sample, own.channel, r);
      const A d = widen(p.x[e]) - mean;
      A gradient = widen(p.g[e]);
      if (p.relu && !(multiply_add(d, factor, offset) > 0)) gradient = 0;
      s += gradient;
      q = multiply_add(gradient, d, q);
    }
  }
  join_column(p, own, s, q, room);
  if (own.first == 0 && own.real) {
    A* to = p.partial + ((own.sample * p.chunks + own.chunk) * 2) * p.channels + own.channel;
    to[0] = s;
    to[p.channels] = q;
  }
}

KG_KERNEL(grad_join, Params, 256) {
  const int64_t groups = p.channels / p.group, at = (int64_t)blockIdx.x * 8 + warp_index();
  if (at >= p.samples * groups) return;
  const int64_t sample = at / groups, first = at % groups * p.group;
  const A inverse_a = p.saved_in[at], rest_a = p.saved_in[p.samples * groups + at], center = p.mean_in[at];
  const double inverse = inverse_a, rest = rest_a, size = (double)(p.rows * p.inner) * (double)p.group;
  double m = 0, mx = 0;
  double* totals = p.totals + sample * 2 * p.channels;
  for (int64_t c = first + lane_index(); c < first + p.group; c += 32) {
    double s = 0, q = 0;
    for (int64_t k = 0; k < p.chunks; ++k) {
      const A* from = p.partial + (sample * p.chunks + k) * 2 * p.channels + c;
      s += (double)from[0];
      q += (double)from[p.channels];
    }
    const double along = inverse * (q - rest * s), scale = p.gamma ? (double)p.gamma[c] : 1.0;
    totals[c] = s;
    totals[p.channels + c] = along;
    m += scale * s;
    mx += scale * along;
  }
  m = join_warp(m, SumJoin());
  mx = join_warp(mx, SumJoin());
  const double c1 = -inverse * inverse * (mx / size), c0 = -inverse * (m / size) - rest * c1;
  A* to = p.numbers + sample * 5 * p.channels;
  for (int64_t c = first + lane_index(); c < first + p.group; c += 32) {
    const A factor = channel_factor(p, c, inverse_a);
    to[c] = center;
    to[p.channels + c] = factor;
    to[2 * p.channels + c] = channel_offset(p, c, factor, rest_a);
    to[3 * p.channels + c] = (A)c1;
    to[4 * p.channels + c] = (A)c0;
  }
}

KG_KERNEL(grad_params, Params, 256) {
  for (int64_t c = global_index(); c < p.channels; c += global_size()) {
    double s = 0, along = 0;
    for (int64_t b = 0; b < p.samples; ++b) {
      s += p.totals[b * 2 * p.channels + c];
      along += p.totals[(b * 2 + 1) * p.channels + c];
    }
    p.mean[c] = (A)along;  // dgamma
    p.variance[c] = (A)s;  // dbeta
  }
}

KG_KERNEL(grad_apply, Params, 256) {
  const int64_t per_sample = p.rows * p.channels * p.inner, n = p.channels;
  for (int64_t e = global_index(); e < p.samples * per_sample; e += global_size()) {
    const A* numbers = p.numbers + e / per_sample * 5 * n + e / p.inner % n;
    const A d = widen(p.x[e]) - numbers[0];
    A gradient = widen(p.g[e]);
    if (p.relu && !(multiply_add(d, numbers[n], numbers[2 * n]) > 0)) gradient = 0;
    p.y[e] = narrow<T>(multiply_add(gradient, numbers[n], multiply_add(d, numbers[3 * n], numbers[4 * n])));
  }
}

}  // namespace kg
