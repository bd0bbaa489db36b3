// Batch and group normalization; csrc/cpu/norm_batch.cpp and norm_batch_grad.cpp have the formulas and operands.
//
// x is (samples, rows, channels, inner); statistics are over rows, inner and groups of `group` channels. Steps, each a launch:
//   chunk_sums   for each channel and chunk of its elements: K, s = sum(x - K), q = sum((x - K)^2), K the mean of the first 16
//   join_sums    a warp takes a group: chunks joined in double (Chan, Golub and LeVeque 1983); mean, variance, and for each channel
//                (center, factor, offset) with y = (x - center) factor + offset
//   given        the same numbers from given statistics
//   apply        y = fma(x - center, factor, offset) [+ addend] [max with 0]
//   grad_sums    for each channel and chunk: sums of g and g (x - mean), g only where y > 0 with relu
//   grad_join    a warp takes a group: c1, c0 with dx = factor g + (x - center) c1 + c0, and sums for dgamma and dbeta
//   grad_params  dgamma, dbeta: over the samples in order
//   grad_apply   dx
// Channels last (inner = 1): a block of 256 threads takes `width` neighbouring channels and 256 / width rows at a time. Otherwise a block
// takes a chunk of one channel, whose elements are neighbours. Chunks come from sizes alone: the same bits on every run.
// Shared memory: 512 partial sums. Defines: KG_T a float dtype, KG_PART which steps a module holds.
#include "block.cuh"

namespace kg {

typedef KG_T T;
typedef compute<T> A;

struct Params {
  const T *x, *g, *addend;
  const A *gamma, *beta, *mean_in, *saved_in;
  T* y;
  A *mean, *variance, *saved;  // or dgamma, dbeta, null
  A *partial, *numbers;        // (samples, chunks, planes, channels); (samples, 5, channels)
  double* totals;              // (samples, 2, channels)
  int64_t samples, rows, channels, inner, group;
  int64_t chunks, chunk;  // pieces of a channel's elements, rows * inner of them
  double epsilon;
  int32_t width, relu;
};

KG_DEVICE double square_root_double(double x) { return ::sqrt(x); }
KG_DEVICE float multiply_add(float a, float b, float c) { return ::fmaf(a, b, c); }
KG_DEVICE double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }

// Element r of a channel.
KG_DEVICE int64_t place(const Params& p, int64_t sample, int64_t channel, int64_t r) {
  if (p.inner == 1) return (sample * p.rows + r) * p.channels + channel;
  const int64_t row = r / p.inner;
  return ((sample * p.rows + row) * p.channels + channel) * p.inner + (r - row * p.inner);
}

// What this thread adds up: elements begin + first, + step, ... below end of a channel.
struct Share {
  int64_t sample, channel, chunk, begin, end;
  int first, step, column;
  bool real;
};
KG_DEVICE Share own_share(const Params& p) {
  Share s;
  const int64_t strips = (p.channels + p.width - 1) / p.width;
  const int64_t strip = blockIdx.x % strips;
  s.chunk = blockIdx.x / strips % p.chunks;
  s.sample = blockIdx.x / strips / p.chunks;
  s.column = thread_index() % p.width;
  s.first = thread_index() / p.width;
  s.step = 256 / p.width;
  s.channel = strip * p.width + s.column;
  s.begin = s.chunk * p.chunk;
  const int64_t all = p.rows * p.inner;
  s.end = s.begin + p.chunk < all ? s.begin + p.chunk : all;
  s.real = s.channel < p.channels;
  return s;
}

// s and q over the threads of a column; the first of them gets both.
KG_DEVICE void join_column(const Params& p, const Share& own, A& s, A& q, A* room) {
  room[thread_index()] = s;
  room[256 + thread_index()] = q;
  for (int half = own.step / 2; half > 0; half /= 2) {
    sync_block();
    if (own.first < half) {
      s += room[thread_index() + half * p.width];
      q += room[256 + thread_index() + half * p.width];
      room[thread_index()] = s;
      room[256 + thread_index()] = q;
    }
  }
}

KG_DEVICE A channel_factor(const Params& p, int64_t c, A inverse) { return p.gamma ? p.gamma[c] * inverse : inverse; }
KG_DEVICE A channel_offset(const Params& p, int64_t c, A factor, A rest) { return (p.beta ? p.beta[c] : A(0)) - rest * factor; }

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

#elif KG_PART == 1

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

#else

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

#endif

}  // namespace kg
