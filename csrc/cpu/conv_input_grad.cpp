// The gradient of a convolution with respect to its input, which is also the transposed convolution:
// dx[n, h, c] = act(sum over taps t and filters f with o * stride + t * dilation - before == h of dy[n, o, f] w[t, c, f] + bias[c]).
//
// inputs: dy (batch, count..., filters), w (kernel..., channels / groups, filters), bias (channels,) when bias != 0, and y, of dx's shape, when the
// activation is relu_grad, which keeps what is where y > 0 and puts 0 elsewhere; output: dx (batch, size..., channels). ints: see conv.h.
//
// With stride s, pixel h sees the taps t with (h + before - t * dilation) % s == 0 only, so the pixels of one remainder of h form a
// convolution of their own, with stride 1 and fewer taps: conv_source.h. Sums run over (taps, filters), the last tap first.
#include "conv_run.h"

namespace KG_NS {
namespace {

int64_t divisor(int64_t a, int64_t b) {
  while (b) {
    const int64_t r = a % b;
    a = b, b = r;
  }
  return a;
}

// Pixels h = rest, rest + stride, ... of one dim: which taps they see, and where.
Axis axis_of(const Window& w, int d, int64_t rest) {
  const int64_t stride = w.stride[d], dilation = w.dilation[d], size = w.size[d];
  Axis a;
  a.count = (size - rest + stride - 1) / stride, a.step = 1;
  const int64_t common = divisor(stride, dilation), apart = stride / common;
  int64_t t = 0;
  while (t < w.kernel[d] && t < apart && (rest + w.before[d] - t * dilation) % stride != 0) ++t;
  if (t >= w.kernel[d] || t >= apart) {
    a.taps = 0, a.tap_step = 1, a.first = 0, a.kernel_first = 0, a.kernel_step = 0;
  } else {
    a.taps = (w.kernel[d] - 1 - t) / apart + 1;
    a.tap_step = dilation / common;
    a.kernel_first = t + (a.taps - 1) * apart, a.kernel_step = -apart;  // the last tap sees the first pixel of dy
    a.first = (rest + w.before[d] - a.kernel_first * dilation) / stride;
  }
  a.size = w.count[d];
  a.out_size = size, a.out_first = rest, a.out_step = stride;
  return a;
}

// Whether some class of a dim has no taps.
bool blind(const Window& w) {
  for (int d = 0; d < 3; ++d)
    for (int64_t rest = 0; rest < min_of(w.stride[d], w.size[d]); ++rest)
      if (axis_of(w, d, rest).taps == 0) return true;
  return false;
}

template <class T, class S> void run(const Call& call, const ConvCall& c) {
  const T* dy = input<T>(call, 0, c.y_count);
  const T* w = input<T>(call, 1, c.w_count);
  const WideBias<T, S> bias(c.bias ? input<T>(call, 2, c.channels) : nullptr, c.channels);
  const T* y = c.relu_grad ? input<T>(call, 2 + c.bias, c.x_count) : nullptr;
  T* dx = output<T>(call, 0, c.x_count);
  if (c.x_count == 0) return;
  Window window = c.window;
  int64_t classes[3];
  if (c.width == 0)  // no filters: the kernel is empty, whatever its window
    for (int64_t& taps : window.kernel) taps = 1;
  for (int a = 0; a < 3; ++a) classes[a] = min_of(window.stride[a], window.size[a]);
  // Where a kernel is smaller than its stride, some classes see no tap at all.
  const bool clear = !c.bias && blind(window);
  if (clear)
    parallel_range(c.x_count, 1 << 16, [&](int64_t begin, int64_t end) {
      std::memset(static_cast<void*>(dx + begin), 0, static_cast<size_t>(end - begin) * sizeof(T));
    });
  for (int64_t r0 = 0; r0 < classes[0]; ++r0)
    for (int64_t r1 = 0; r1 < classes[1]; ++r1)
      for (int64_t r2 = 0; r2 < classes[2]; ++r2) {
        const Axis axis[3] = {axis_of(window, 0, r0), axis_of(window, 1, r1), axis_of(window, 2, r2)};
        if (clear && axis[0].taps * axis[1].taps * axis[2].taps == 0) continue;
        run_conv<T, S>(c.groups, [&](int64_t g) {
          ConvProduct<T, S> p;
          p.source = {dy, c.batch, c.filters, g * c.width, c.width, {axis[0], axis[1], axis[2]}};
          p.factor = {w, c.depth, c.filters, g * c.width, true, {window.kernel[0], window.kernel[1], window.kernel[2]}};
          p.out = dx, p.out_pitch = c.channels, p.out_channel = g * c.depth, p.n = c.depth;
          p.bias = bias.from(g * c.depth), p.relu = c.relu, p.relu_output = y;
          return p;
        });
      }
}

}  // namespace

void conv_input_grad(const Call& call) {
  const ConvCall c = read_conv(call, 2);
  switch (call.out[0].dtype) {
    case kF32: return run<float, float>(call, c);
    case kF64: return run<double, double>(call, c);
    case kF16: return run<f16, float>(call, c);
    case kBF16: return run<bf16, float>(call, c);
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
  }
}

}  // namespace KG_NS

KG_REGISTER(conv_input_grad, ConvInts::names);
