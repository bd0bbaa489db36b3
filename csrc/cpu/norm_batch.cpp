// batch_norm:       y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of x
// batch_norm_apply: the same with given statistics
// moments:          mean and variance
//
// x is (samples, rows, channels, inner). Statistics are over rows, inner and groups of `group` neighbouring channels: batch
// normalization (Ioffe and Szegedy 2015) is samples = 1, group = 1; group normalization (Wu and He 2018) has a sample per
// example. Two passes over x: norm_stats.h, then one multiply-add per element.
//
//   batch_norm        inputs x, then those given of gamma, beta (channels), addend (as x)
//                     outputs y, mean, variance (samples, groups), saved (2, samples, groups): 1 / sqrt(variance + epsilon) and
//                     what rounding took from the mean
//                     ints samples, rows, channels, inner, group, then 1 or 0 for gamma, beta, addend, relu; floats epsilon
//   batch_norm_apply  inputs x, mean, variance (channels), then as above; outputs y
//                     ints rows, channels, inner, then 1 or 0 for gamma, beta, addend, relu; floats epsilon
//   moments           inputs x; outputs mean, variance (samples, channels); ints samples, rows, channels, inner
//
// With addend, y += addend; then, with relu, y = max(y, 0). x, y and addend are of one float dtype, all else is float32 (double for
// double). y may be x or addend. Threads take the tiles of norm.h.
#include "norm_stats.h"

namespace KG_NS {
namespace {

KG_INTS(BatchNormInts, samples, rows, channels, inner, group, gamma, beta, addend, relu);
KG_INTS(ApplyInts, rows, channels, inner, gamma, beta, addend, relu);
KG_INTS(MomentsInts, samples, rows, channels, inner);
KG_FLOATS(NormFloats, epsilon);

template <class T, bool kAdd, bool kRelu> struct Apply {
  using E = Element<T>;
  using V = typename E::V;
  static constexpr int kNumbers = 3;  // mean, factor, offset
  ChannelNumbers<typename E::A, kNumbers> numbers;
  const T *x, *addend;
  T* y;
  bool past_cache;

  void fetch(int64_t at) const { __builtin_prefetch(x + at); }
  void put(const V* p, int64_t at, int64_t count) const {
    V v = fma(load_count(x + at, count) - p[0], p[1], p[2]);
    if constexpr (kAdd) v += load_count(addend + at, count);
    if constexpr (kRelu) v = v < 0 ? V{} : v;  // keeps NaN
    store_past(y + at, v, count, past_cache);
  }
};

// The flags and optional inputs that both kernels have.
template <class T> struct Extras {
  using A = typename Element<T>::A;
  const A *gamma = nullptr, *beta = nullptr;
  const T* addend = nullptr;
  bool relu;

  // flags: of BatchNormInts or ApplyInts. next: the first of these inputs.
  template <class P> Extras(const Call& call, const P& flags, int next, int64_t channels, int64_t count)
      : relu(flags.relu != 0) {
    if (flags.gamma) gamma = input<A>(call, next++, channels);
    if (flags.beta) beta = input<A>(call, next++, channels);
    if (flags.addend) addend = input<T>(call, next++, count);
    if (call.n_in != next) fail(call, "number of inputs", call.n_in, next);
  }

  void apply(const NormView& v, const A* numbers, const T* x, T* y) const {
    const auto run = [&](auto add, auto clamp) {
      const Apply<T, decltype(add)::value, decltype(clamp)::value> rule{{numbers, v.channels}, x, addend, y, v.past_cache(y)};
      v.for_tiles(true, [&](const NormTile& t) { map_tile<Element<T>>(v, t, rule); });
    };
    using Yes = std::true_type;
    using No = std::false_type;
    if (addend)
      relu ? run(Yes(), Yes()) : run(Yes(), No());
    else
      relu ? run(No(), Yes()) : run(No(), No());
  }
};

template <class T> void forward(const Call& call) {
  using E = Element<T>;
  using A = typename E::A;
  const auto p = ints<BatchNormInts>(call);
  const NormView v(p.samples, p.rows, p.channels, p.inner, E::kN);
  const int64_t group = p.group, groups = v.samples * (v.channels / group);
  const int64_t count = v.samples * v.rows * v.channels * v.inner;
  const T* x = input<T>(call, 0, count);
  const Extras<T> extras(call, p, 1, v.channels, count);
  T* y = output<T>(call, 0, count);
  A *mean = output<A>(call, 1, groups), *variance = output<A>(call, 2, groups), *saved = output<A>(call, 3, 2 * groups);
  const double epsilon = floats<NormFloats>(call).epsilon;
  const Scratch<A> partial(checked_mul(call, v.samples * v.chunks, 3 * v.channels));
  moment_chunks(v, x, partial.data);
  const Scratch<A> numbers(v.samples * 3 * v.channels);
  join_moments(v, group, partial.data, [&](int64_t b, int64_t g, double m, double var) {
    const int64_t at = b * (v.channels / group) + g;
    mean[at] = A(m);
    variance[at] = A(var);
    const A inverse = saved[at] = A(1 / std::sqrt(var + epsilon));
    const A rest = saved[groups + at] = A(m - double(mean[at]));
    A* to = numbers.data + b * 3 * v.channels;
    for (int64_t c = g * group; c < (g + 1) * group; ++c) {
      to[c] = mean[at];
      to[v.channels + c] = channel_factor(extras.gamma, c, inverse);
      to[2 * v.channels + c] = channel_offset(extras.beta, c, to[v.channels + c], rest);
    }
  });
  extras.apply(v, numbers.data, x, y);
}

template <class T> void apply_given(const Call& call) {
  using E = Element<T>;
  using A = typename E::A;
  const auto p = ints<ApplyInts>(call);
  const double epsilon = floats<NormFloats>(call).epsilon;
  const NormView v(1, p.rows, p.channels, p.inner, E::kN);
  const int64_t n = v.channels, count = v.rows * n * v.inner;
  const T* x = input<T>(call, 0, count);
  const A *mean = input<A>(call, 1, n), *variance = input<A>(call, 2, n);
  const Extras<T> extras(call, p, 3, n, count);
  T* y = output<T>(call, 0, count);
  const Scratch<A> numbers(3 * n);
  A *center = numbers.data, *factor = center + n, *offset = factor + n;
  for (int64_t c = 0; c < n; ++c) {
    center[c] = mean[c];
    factor[c] = channel_factor(extras.gamma, c, A(1 / std::sqrt(double(variance[c]) + epsilon)));
    offset[c] = extras.beta ? extras.beta[c] : A(0);
  }
  extras.apply(v, numbers.data, x, y);
}

template <class T> void only_moments(const Call& call) {
  using E = Element<T>;
  using A = typename E::A;
  const auto p = ints<MomentsInts>(call);
  const NormView v(p.samples, p.rows, p.channels, p.inner, E::kN);
  const T* x = input<T>(call, 0, v.samples * v.rows * v.channels * v.inner);
  const int64_t n = v.samples * v.channels;
  A *mean = output<A>(call, 0, n), *variance = output<A>(call, 1, n);
  const Scratch<A> partial(checked_mul(call, v.samples * v.chunks, 3 * v.channels));
  moment_chunks(v, x, partial.data);
  join_moments(v, 1, partial.data, [&](int64_t b, int64_t c, double m, double var) {
    mean[b * v.channels + c] = A(m);
    variance[b * v.channels + c] = A(var);
  });
}

}  // namespace

void batch_norm(const Call& call) {
  const auto p = ints<BatchNormInts>(call);
  expect(call, call.n_in, 4, 9, 1);
  check_norm_sizes(call, 4);
  if (p.group < 1 || p.channels % p.group) fail(call, "channels of a group", p.group, p.channels);
  if (call.n_in < 1) fail(call, "number of inputs", call.n_in, 1);
  const bool known =
      for_float_dtype(call.in[0].dtype, [&](auto* type) { forward<typename std::remove_pointer<decltype(type)>::type>(call); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

void batch_norm_apply(const Call& call) {
  if (call.n_in < 3) fail(call, "number of inputs", call.n_in, 3);
  expect(call, call.n_in, 1, 7, 1);
  check_norm_sizes(call, 3);
  const bool known = for_float_dtype(
      call.in[0].dtype, [&](auto* type) { apply_given<typename std::remove_pointer<decltype(type)>::type>(call); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

void moments(const Call& call) {
  expect(call, 1, 2, 4, 0);
  check_norm_sizes(call, 4);
  const bool known = for_float_dtype(
      call.in[0].dtype, [&](auto* type) { only_moments<typename std::remove_pointer<decltype(type)>::type>(call); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(batch_norm, BatchNormInts::names, NormFloats::names);
KG_REGISTER(batch_norm_apply, ApplyInts::names, NormFloats::names);
KG_REGISTER(moments, MomentsInts::names);
KG_IN_PLACE(batch_norm, out == 0 && (in == 0 || (in == call.n_in - 1 && ints<BatchNormInts>(call).addend != 0)));
KG_IN_PLACE(batch_norm_apply, out == 0 && (in == 0 || (in == call.n_in - 1 && ints<ApplyInts>(call).addend != 0)));
