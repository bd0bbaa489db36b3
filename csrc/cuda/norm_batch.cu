// batch_norm, batch_norm_apply, moments; csrc/cpu/norm_batch.cpp has the formulas and operands. Steps, each a launch:
//   chunk_sums   for each channel and chunk of its elements: K, s = sum(x - K), q = sum((x - K)^2), K the mean of the first 16
//   join_sums    a warp takes a group: chunks joined in double (Chan, Golub and LeVeque 1983); mean, variance, and for each channel
//                (center, factor, offset) with y = (x - center) factor + offset
//   given        the same numbers from given statistics
//   apply        y = fma(x - center, factor, offset) [+ addend] [max with 0]
// Layout, blocks and shared memory: norm.cuh. Defines: KG_T a float dtype, KG_PART which steps a module holds.
#include "norm.cuh"

namespace kg {

#if KG_PART == 0

KG_KERNEL(chunk_sums, Params, 256) {
  KG_SHARED(A, room, [512]);
  const Share own = own_share(p);
  A shift = 0, s = 0, q = 0;
  if (own.real) {
    const int64_t first = own.end - own.begin < 16 ? own.end - own.begin : 16;
    for (int64_t r = 0; r < first; ++r) shift += widen(p.x[place(p, own.sample, own.channel, own.begin + r)]);
    shift = shift / A(first);
    for (int64_t r = own.begin + own.first; r < own.end; r += own.step) {
      const A d = widen(p.x[place(p, own.sample, own.channel, r)]) - shift;
      s += d;
      q = multiply_add(d, d, q);
    }
  }
  join_column(p, own, s, q, room);
  if (own.first == 0 && own.real) {
    A* to = p.partial + ((own.sample * p.chunks + own.chunk) * 3) * p.channels + own.channel;
    to[0] = shift;
    to[p.channels] = s;
    to[2 * p.channels] = q;
  }
}

KG_KERNEL(join_sums, Params, 256) {
  const int64_t groups = p.channels / p.group, at = (int64_t)blockIdx.x * 8 + warp_index();
  if (at >= p.samples * groups) return;
  const int64_t sample = at / groups, first = at % groups * p.group, items = p.group * p.chunks;
  const int64_t all = p.rows * p.inner;
  const A* partial = p.partial + sample * p.chunks * 3 * p.channels;
  double total = 0;
  for (int64_t k = lane_index(); k < items; k += 32) {
    const int64_t chunk = k / p.group, left = all - chunk * p.chunk;
    const A* from = partial + chunk * 3 * p.channels + first + k % p.group;
    total += (double)(left < p.chunk ? left : p.chunk) * (double)from[0] + (double)from[p.channels];
  }
  const double mean = join_warp(total, SumJoin()) / ((double)all * (double)p.group);
  double squares = 0;
  for (int64_t k = lane_index(); k < items; k += 32) {
    const int64_t chunk = k / p.group, left = all - chunk * p.chunk;
    const A* from = partial + chunk * 3 * p.channels + first + k % p.group;
    const double n = (double)(left < p.chunk ? left : p.chunk), s = (double)from[p.channels], inside = s / n;
    const double off = ((double)from[0] - mean) + inside;
    squares += ((double)from[2 * p.channels] - s * inside) + n * off * off;
  }
  double variance = join_warp(squares, SumJoin()) / ((double)all * (double)p.group);
  if (variance < 0) variance = 0;
  const A center = (A)mean, inverse = (A)(1 / square_root_double(variance + p.epsilon)), rest = (A)(mean - (double)center);
  if (lane_index() == 0) {
    p.mean[at] = center;
    p.variance[at] = (A)variance;
    if (p.saved) {
      p.saved[at] = inverse;
      p.saved[p.samples * groups + at] = rest;
    }
  }
  if (!p.numbers) return;
  A* to = p.numbers + sample * 5 * p.channels;
  for (int64_t c = first + lane_index(); c < first + p.group; c += 32) {
    const A factor = channel_factor(p, c, inverse);
    to[c] = center;
    to[p.channels + c] = factor;
    to[2 * p.channels + c] = channel_offset(p, c, factor, rest);
  }
}

#else

KG_KERNEL(given, Params, 256) {
  for (int64_t c = global_index(); c < p.channels; c += global_size()) {
    p.numbers[c] = p.mean_in[c];
    p.numbers[p.channels + c] = channel_factor(p, c, (A)(1 / square_root_double((double)p.saved_in[c] + p.epsilon)));
    p.numbers[2 * p.channels + c] = p.beta ? p.beta[c] : A(0);
  }
}

KG_KERNEL(apply, Params, 256) {
  const int64_t per_sample = p.rows * p.channels * p.inner;
  for (int64_t e = global_index(); e < p.samples * per_sample; e += global_size()) {
    const A* numbers = p.numbers + e / per_sample * 5 * p.channels + e / p.inner % p.channels;
    A v = multiply_add(widen(p.x[e]) - numbers[0], numbers[p.channels], numbers[2 * p.channels]);
    if (p.addend) v += widen(p.addend[e]);
    if (p.relu && v < 0) v = 0;
    p.y[e] = narrow<T>(v);
  }
}

#endif

}  // namespace kg
