// Convolution (correlation), channels last: y[n, o, f] = act(sum over taps t and channels c of x[n, o * stride + t * dilation -
// before, c] w[t, c, f] + bias[f]), with zeros outside x.
//
// inputs: x (batch, size..., channels), w (kernel..., channels / groups, filters), and bias (filters,) when bias != 0; output:
// y (batch, count..., filters). All have one float dtype. ints: see conv.h.
//
// Each element is one chain of fused multiply-adds over (taps, channels) in row-major order, then bias and activation with one
// rounding each: the result does not depend on blocking or threads. float16 and bfloat16 are summed in float32.
#include "conv_run.h"

namespace KG_NS {

ConvCall read_conv(const Call& call, int64_t most_activation, int outputs) {
  if (call.n_i < 6 + kWindowInts) fail(call, "number of integer parameters", call.n_i, 6 + kWindowInts);
  ConvCall c;
  const auto p = ints<ConvInts>(call);
  c.batch = p.batch, c.channels = p.channels, c.filters = p.filters, c.groups = p.groups;
  if (p.batch < 0 || p.channels < 0 || p.filters < 0 || p.groups < 0) fail_message(call, "sizes must not be negative");
  if (c.groups < 1 || c.channels % c.groups || c.filters % c.groups)
    fail_message(call, "channels and filters must be multiples of groups");
  if (p.activation < 0 || p.activation > most_activation) fail(call, "activation", p.activation, most_activation);
  c.bias = p.bias != 0, c.relu = p.activation == 1, c.relu_grad = p.activation == 2;
  c.window = read_window(call, 6);
  c.depth = c.channels / c.groups, c.width = c.filters / c.groups;
  c.x_count = checked_mul(call, checked_mul(call, volume(c.window.size), c.channels), c.batch);
  c.y_count = checked_mul(call, checked_mul(call, volume(c.window.count), c.filters), c.batch);
  c.w_count = checked_mul(call, checked_mul(call, volume(c.window.kernel), c.depth), c.filters);
  expect(call, 2 + c.bias + c.relu_grad, outputs, 6 + kWindowInts, 0);
  return c;
}

namespace {

template <class T, class S> void run(const Call& call, const ConvCall& c) {
  const T* x = input<T>(call, 0, c.x_count);
  const T* w = input<T>(call, 1, c.w_count);
  const WideBias<T, S> bias(c.bias ? input<T>(call, 2, c.filters) : nullptr, c.filters);
  T* y = output<T>(call, 0, c.y_count);
  if (c.y_count == 0) return;
  const Window& window = c.window;
  run_conv<T, S>(c.groups, [&](int64_t g) {
    ConvProduct<T, S> p;
    p.source = forward_source(c, x, g);
    p.factor = {w, c.depth, c.filters, g * c.width, false, {window.kernel[0], window.kernel[1], window.kernel[2]}};
    p.out = y, p.out_pitch = c.filters, p.out_channel = g * c.width, p.n = c.width;
    p.bias = bias.from(g * c.width), p.relu = c.relu;
    return p;
  });
}

}  // namespace

void conv(const Call& call) {
  const ConvCall c = read_conv(call, 1);
  switch (call.out[0].dtype) {
    case kF32: return run<float, float>(call, c);
    case kF64: return run<double, double>(call, c);
    case kF16: return run<f16, float>(call, c);
    case kBF16: return run<bf16, float>(call, c);
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
  }
}

}  // namespace KG_NS

KG_REGISTER(conv, ConvInts::names);
