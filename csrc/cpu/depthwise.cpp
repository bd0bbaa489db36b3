// Depthwise convolution, each channel by itself, and its gradient with respect to the input.
//
// depthwise_conv:       y[n, o, c] = act(sum over t of x[n, o stride + t dilation - before, c] k[t, c] + b[c])
//   inputs x (batch, d0, d1, d2, channels), k (taps, channels), and b (channels,) when bias is 1; output y (batch, *count, channels).
// depthwise_input_grad: gx[n, i, c] = sum over the (o, t) with o stride + t dilation - before = i of gy[n, o, c] k[t, c]
//   inputs gy, k; output gx.
// ints: batch, channels, the window (csrc/common/window.h), and for depthwise_conv: bias (0, 1), activation (0 none, 1 relu).
//
// float32, float64, float16 and bfloat16; the halves are summed in float and rounded once. Elements outside x are skipped. The
// sum runs over the lines of taps in order; within a line upwards, or for the gradient downwards or upwards as the shape decides;
// then bias and activation, each rounded by itself as separate kernels would. Threads take fixed groups of rows, and of channels
// when rows are few.
#include "depthwise.h"

namespace KG_NS {
namespace {

// Any window: a column at a time, G vectors of channels. kPart: only the first `part` channels of one vector.
template <class T, int G, bool kPart, class F>
void sum_columns(const DepthwiseRow<T>& r, const F& taps_of, int64_t begin, int64_t end, int64_t c, int64_t part) {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  const auto weight = [&](const A* p) {
    if constexpr (kPart)
      return load_count(p, part);
    else
      return Element<A>::load(p);
  };
  for (int64_t o = begin; o < end; ++o) {
    const Taps x = taps_of(o);
    V sum[G] = {};
    each_line(r, x.at * r.channels + c, x.tap * r.weights_x + c, [&](const T* line, const A* weights) {
      for (int64_t t = 0; t < x.count; ++t)
        for (int g = 0; g < G; ++g) {
          const T* p = line + t * x.at_step * r.channels + g * E::kN;
          const A* w = weights + t * x.tap_step * r.weights_x + g * E::kN;
          sum[g] = fma(kPart ? load_count(p, part) : E::load(p), weight(w), sum[g]);
        }
    });
    for (int g = 0; g < G; ++g) {
      T* out = r.out + o * r.channels + c + g * E::kN;
      const V v = depthwise_finish(r, sum[g], r.bias ? weight(r.bias + c + g * E::kN) : V{});
      if constexpr (kPart)
        E::store_n(out, v, part);
      else
        E::store(out, v);
    }
  }
}

template <class T, class F>
void sum_row(const DepthwiseRow<T>& r, const F& taps_of, int64_t begin, int64_t end, int64_t c, int64_t c_end) {
  constexpr int L = Element<T>::kN;
  for (; c + 4 * L <= c_end; c += 4 * L) sum_columns<T, 4, false>(r, taps_of, begin, end, c, L);
  for (; c + L <= c_end; c += L) sum_columns<T, 1, false>(r, taps_of, begin, end, c, L);
  if (c < c_end) sum_columns<T, 1, true>(r, taps_of, begin, end, c, c_end - c);
}

// Where weight (t, c) of the kernel is, c a multiple of kLanes: at[t * tap + c * channel].
template <class A> struct Weights {
  const A* at;
  int64_t tap, channel;
};

// Points a row at the weights of its first taps.
template <class T>
void point(DepthwiseRow<T>& r, const Weights<typename Element<T>::A>& k, const Window& w, const Taps& z, const Taps& y) {
  const int64_t line = w.kernel[2] * k.tap;
  r.weights = k.at + (z.tap * w.kernel[1] + y.tap) * line;
  r.weights_z = z.tap_step * w.kernel[1] * line, r.weights_y = y.tap_step * line;
  r.weights_x = k.tap, r.weights_c = k.channel;
}

// The row in blocks of columns, if its window is one of those in depthwise_block.cpp.
template <bool kGrad>
bool block_row(const DepthwiseRow<float>& r, const Window& w, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end) {
  if (w.dilation[2] != 1) return false;
  const BlockShape shape{w.kernel[2], w.stride[2], w.before[2]};
  if (!kGrad) return gather_row(r, shape, begin, end, c_begin, c_end);
  if (shape.stride != 1) return spread_row(r, shape, begin, end, c_begin, c_end);
  DepthwiseRow<float> flipped = r;  // the same sum with the taps from last to first
  flipped.weights += (shape.taps - 1) * r.weights_x, flipped.weights_x = -r.weights_x;
  return gather_row(flipped, {shape.taps, 1, shape.taps - 1 - shape.before}, begin, end, c_begin, c_end);
}

// With a power of two of channels, the weights of all taps lie in the same few lines of the cache, as do the pixels of x and y: a
// copy with the taps of a vector of channels side by side.
template <class T> struct Packed {
  Packed(const Depthwise&, const typename Element<T>::A*) {}
};
template <> class Packed<float> {
 public:
  Packed(const Depthwise& d, const float* k) : memory_(wanted(d) ? d.k_count * int64_t(sizeof(float)) : 0) {
    float* to = memory_.as<float>();
    weights = {to ? to : k, to ? kLanes : d.channels, to ? d.taps : 1};
    if (!to) return;
    for (int64_t t = 0; t < d.taps; ++t)
      for (int64_t c = 0; c < d.channels; c += kLanes) vstore(to + t * kLanes + c * d.taps, vload(k + t * d.channels + c));
  }
  Weights<float> weights;

 private:
  static bool wanted(const Depthwise& d) { return d.channels % 512 == 0 && d.taps <= 64; }
  Scratch memory_;
};

template <bool kGrad, class T>
void run(const Depthwise& d, const T* x, const typename Element<T>::A* k, const typename Element<T>::A* bias, bool relu, T* y) {
  const Window& w = d.w;
  const auto& to = kGrad ? w.size : w.count;
  const auto& from = kGrad ? w.count : w.size;
  const RowTasks tasks(d.batch * to[0] * to[1], to[2], d.channels, d.taps);
  const int64_t line = from[2] * d.channels, image = volume(from) * d.channels;
  const auto taps = [&w](int dim, int64_t at) { return kGrad ? taps_of_input(w, dim, at) : taps_of_output(w, dim, at); };
  const Packed<T> packed(d, k);
  parallel_range(tasks.count(), tasks.grain, [&](int64_t first, int64_t last) {
    tasks.each(first, last, [&](int64_t row, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end) {
      const RowIndex at = row_index(row, to);
      const Taps z = taps(0, at.z), v = taps(1, at.y);
      DepthwiseRow<T> r;
      r.line = x + at.n * image + (z.at * from[1] + v.at) * line;
      r.out = y + row * to[2] * d.channels;
      r.bias = bias, r.relu = relu;
      r.nz = z.count, r.ny = v.count;
      r.line_z = z.at_step * from[1] * line, r.line_y = v.at_step * line;
      r.channels = d.channels, r.source_width = from[2];
      if constexpr (std::is_same<T, float>::value) {
        point(r, packed.weights, w, z, v);
        if (block_row<kGrad>(r, w, begin, end, c_begin, c_end)) return;
      }
      point(r, {k, d.channels, 1}, w, z, v);
      sum_row(r, [&](int64_t o) { return taps(2, o); }, begin, end, c_begin, c_end);
    });
  });
}

// Dispatch on the dtype of output 0; the kernel and the bias in the type that sums are computed in.
template <bool kGrad> void start(const Call& call, const Depthwise& d, bool has_bias, bool relu) {
  const bool known = for_float_dtype(call.out[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    using A = typename Element<T>::A;
    const T* x = input<T>(call, 0, kGrad ? d.y_count : d.x_count);
    const T* k = input<T>(call, 1, d.k_count);
    const T* bias = has_bias ? input<T>(call, 2, d.channels) : nullptr;
    T* y = output<T>(call, 0, kGrad ? d.x_count : d.y_count);
    if ((kGrad ? d.x_count : d.y_count) == 0) return;
    if constexpr (std::is_same<T, A>::value) {
      run<kGrad>(d, x, k, bias, relu, y);
    } else {
      const Scratch wide((d.k_count + d.channels) * int64_t(sizeof(A)));
      A* wide_k = wide.as<A>();
      to_float(k, wide_k, d.k_count);
      if (bias) to_float(bias, wide_k + d.k_count, d.channels);
      run<kGrad>(d, x, wide_k, bias ? wide_k + d.k_count : nullptr, relu, y);
    }
  });
  if (!known) fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
}

KG_INTS_AND_LISTS(DepthwiseConvInts, "window..., bias, activation", batch, channels);

}  // namespace

void depthwise_conv(const Call& call) {
  if (call.n_i < kDepthwiseInts + 2) fail(call, "number of integer parameters", call.n_i, kDepthwiseInts + 2);
  const int64_t bias = call.i[kDepthwiseInts], activation = call.i[kDepthwiseInts + 1];
  if (bias < 0 || bias > 1) fail(call, "bias", bias, 1);
  if (activation < 0 || activation > 1) fail(call, "activation", activation, 1);
  expect(call, bias ? 3 : 2, 1, kDepthwiseInts + 2, 0);
  start<false>(call, read_depthwise(call), bias == 1, activation == 1);
}

void depthwise_input_grad(const Call& call) {
  expect(call, 2, 1, kDepthwiseInts, 0);
  start<true>(call, read_depthwise(call), false, false);
}

}  // namespace KG_NS

KG_REGISTER(depthwise_conv, DepthwiseConvInts::names);
KG_REGISTER(depthwise_input_grad, DepthwiseInts::names);
