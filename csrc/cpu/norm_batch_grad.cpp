// batch_norm_grad: the gradient of batch_norm (norm_batch.cpp), which lets the statistics depend on x.
//
// With xhat = (x - mean) inverse, and m() the mean over what shares its statistics (N elements):
//   dbeta = sum(g),  dgamma = sum(g xhat),  dx = inverse (gamma g - m(gamma g) - xhat m(gamma g xhat))
// Two passes: the sums of g and g (x - mean) for each channel, then dx = factor g + (x - mean) c1 + c0, two multiply-adds.
//
//   inputs   x, g (samples, rows, channels, inner), mean (samples, groups), saved (2, samples, groups), then those given of
//            gamma, beta (channels)
//   outputs  dx, dgamma, dbeta (channels)
//   ints     samples, rows, channels, inner, group, then 1 or 0 for gamma, beta, relu
//
// With relu, g is the gradient of max(y, 0) and counts only where y > 0: y is computed again from x, with the bits of the
// forward pass, which is cheaper than reading it. dx may be x or g. Sums are joined in double precision; threads as in norm.h.
#include "norm_stats.h"

namespace KG_NS {
namespace {

template <class T, bool kRelu> struct GradientSums {  // g, g (x - mean)
  using E = Element<T>;
  using V = typename E::V;
  static constexpr int kNumbers = kRelu ? 3 : 1;  // mean; factor, offset
  const T *x, *g;

  void fetch(int64_t at) const {
    __builtin_prefetch(x + at);
    __builtin_prefetch(g + at);
  }
  void add(const V* p, int64_t at, int64_t count, V& s, V& q) const {
    V gradient = load_count(g + at, count);
    V d = load_count(x + at, count) - p[0];
    if constexpr (kRelu) gradient = fma(d, p[1], p[2]) > 0 ? gradient : V{};
    if (count != E::kN) d = E::first_n(d, count, 0);
    s += gradient;
    q = fma(gradient, d, q);
  }
};

template <class T, bool kRelu> struct Gradient {
  using E = Element<T>;
  using V = typename E::V;
  static constexpr int kNumbers = 5;  // mean, factor, offset, c1, c0
  ChannelNumbers<typename E::A, kNumbers> numbers;
  const T *x, *g;
  T* dx;
  bool past_cache;

  void fetch(int64_t at) const {
    __builtin_prefetch(x + at);
    __builtin_prefetch(g + at);
  }
  void put(const V* p, int64_t at, int64_t count) const {
    V gradient = load_count(g + at, count);
    const V d = load_count(x + at, count) - p[0];
    if constexpr (kRelu) gradient = fma(d, p[1], p[2]) > 0 ? gradient : V{};
    store_past(dx + at, fma(gradient, p[1], fma(d, p[3], p[4])), count, past_cache);
  }
};

KG_INTS(GradInts, samples, rows, channels, inner, group, gamma, beta, relu);

template <class T, bool kRelu> void backward(const Call& call) {
  using E = Element<T>;
  using A = typename E::A;
  const auto given = ints<GradInts>(call);
  const NormView v(given.samples, given.rows, given.channels, given.inner, E::kN);
  const int64_t group = given.group, per_sample = v.channels / group, groups = v.samples * per_sample;
  const int64_t count = v.samples * v.rows * v.channels * v.inner, n = v.channels;
  const T *x = input<T>(call, 0, count), *g = input<T>(call, 1, count);
  const A *mean = input<A>(call, 2, groups), *saved = input<A>(call, 3, 2 * groups);
  int next = 4;
  const A* gamma = given.gamma ? input<A>(call, next++, n) : nullptr;
  const A* beta = given.beta ? input<A>(call, next++, n) : nullptr;
  if (call.n_in != next) fail(call, "number of inputs", call.n_in, next);
  T* dx = output<T>(call, 0, count);
  A *dgamma = output<A>(call, 1, n), *dbeta = output<A>(call, 2, n);

  const Scratch<A> numbers(checked_mul(call, v.samples, 5 * n));
  parallel_range(v.samples * n, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t b = k / n, c = k % n, at = b * per_sample + c / group;
      A* p = numbers.data + b * 5 * n + c;
      p[0] = mean[at];
      p[n] = channel_factor(gamma, c, saved[at]);
      p[2 * n] = channel_offset(beta, c, p[n], saved[groups + at]);
    }
  });

  const Scratch<A> partial(checked_mul(call, v.samples * v.chunks, 2 * n));
  const GradientSums<T, kRelu> sums{x, g};
  const ChannelNumbers<A, 5> all{numbers.data, n};
  v.for_tiles(false, [&](const NormTile& t) {
    alignas(64) A number[GradientSums<T, kRelu>::kNumbers][kNormStrip];
    all.spread(t, v.wide, number, GradientSums<T, kRelu>::kNumbers);
    A* p = partial.data + (t.sample * v.chunks + t.chunk) * 2 * n + t.channel;
    add_tile<E>(v, t, sums, number, p, p + n);
  });

  const Scratch<double> scratch(4 * n);
  for_groups(v, group, [&](int64_t begin, int64_t end) {
    double *s = scratch.data, *q = s + n, *s_all = q + n, *q_all = s_all + n;
    for (int64_t c = begin; c < end; ++c) s_all[c] = q_all[c] = 0;
    const double size = double(v.rows) * double(v.inner) * double(group);
    for (int64_t b = 0; b < v.samples; ++b) {
      for (int64_t c = begin; c < end; ++c) s[c] = q[c] = 0;
      for (int64_t k = 0; k < v.chunks; ++k) {
        const A* p = partial.data + (b * v.chunks + k) * 2 * n;
        for (int64_t c = begin; c < end; ++c) {
          s[c] += double(p[c]);
          q[c] += double(p[n + c]);
        }
      }
      A* p = numbers.data + b * 5 * n;
      for (int64_t first = begin; first < end; first += group) {
        const int64_t at = b * per_sample + first / group;
        const double inverse = double(saved[at]), rest = double(saved[groups + at]);
        double m = 0, mx = 0;
        for (int64_t c = first; c < first + group; ++c) {
          const double along = inverse * (q[c] - rest * s[c]), scale = gamma ? double(gamma[c]) : 1;
          s_all[c] += s[c];
          q_all[c] += along;
          m += scale * s[c];
          mx += scale * along;
        }
        const double c1 = -inverse * inverse * (mx / size), c0 = -inverse * (m / size) - rest * c1;
        for (int64_t c = first; c < first + group; ++c) {
          p[3 * n + c] = A(c1);
          p[4 * n + c] = A(c0);
        }
      }
    }
    for (int64_t c = begin; c < end; ++c) {
      dbeta[c] = A(s_all[c]);
      dgamma[c] = A(q_all[c]);
    }
  });

  const Gradient<T, kRelu> rule{{numbers.data, n}, x, g, dx, v.past_cache(dx)};
  v.for_tiles(true, [&](const NormTile& t) { map_tile<E>(v, t, rule); });
}

}  // namespace

void batch_norm_grad(const Call& call) {
  if (call.n_in < 4) fail(call, "number of inputs", call.n_in, 4);
  expect(call, call.n_in, 3, 8, 0);
  const auto given = ints<GradInts>(call);
  check_norm_sizes(call, 4);
  if (given.group < 1 || given.channels % given.group) fail(call, "channels of a group", given.group, given.channels);
  const bool known = for_float_dtype(call.in[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    given.relu ? backward<T, true>(call) : backward<T, false>(call);
  });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(batch_norm_grad, GradInts::names);
KG_IN_PLACE(batch_norm_grad, out == 0 && in <= 1);
