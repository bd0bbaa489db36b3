// Shared by batch and group normalization and their gradient: the parameters of a launch, and how a channel is cut into chunks.
//
// x is (samples, rows, channels, inner); statistics are over rows, inner and groups of `group` channels.
// Channels last (inner = 1): a block of 256 threads takes `width` neighbouring channels and 256 / width rows at a time. Otherwise a block
// takes a chunk of one channel, whose elements are neighbours. Chunks come from sizes alone: the same bits on every run.
// Shared memory: 512 partial sums. Defines: KG_T a float dtype.
#pragma once
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

}  // namespace kg
