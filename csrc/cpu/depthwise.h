// The parameters of a depthwise convolution, read and checked once, and a row of its results as the sums that make it.
//
// Forward and input gradient have the same form: each element of a row is a sum, over the taps that meet it, of an element of the
// source times a weight of its channel. Rows run over (batch, d0, d1); the taps that meet a row are the same for all its columns
// in the first two dims, so they are steps between lines of the source and of the weights.
#pragma once
#include "gemm_run.h"
#include "softmax.h"
#include "window_rows.h"

namespace KG_NS {

constexpr int kDepthwiseInts = 2 + kWindowInts;

KG_INTS_AND_LISTS(DepthwiseInts, "window...", batch, channels);

struct Depthwise {
  int64_t batch, channels, taps;
  Window w;
  int64_t x_count, y_count, k_count;  // elements of input, output and kernel
};

// ints: batch, channels, the window.
inline Depthwise read_depthwise(const Call& call) {
  Depthwise d;
  const auto p = ints<DepthwiseInts>(call);
  d.batch = p.batch, d.channels = p.channels;
  d.w = read_window(call, 2);
  d.taps = volume(d.w.kernel);
  const int64_t pixels = checked_mul(call, d.batch, d.channels);
  d.x_count = checked_mul(call, pixels, volume(d.w.size));
  d.y_count = checked_mul(call, pixels, volume(d.w.count));
  d.k_count = checked_mul(call, d.taps, d.channels);
  return d;
}

template <class T> struct DepthwiseRow {
  using A = typename Element<T>::A;
  const T* line;     // of the source, column 0, at the first taps of dims 0 and 1
  const A* weights;  // of the first tap of that line
  T* out;            // column 0 of this row
  const A* bias;     // one per channel, or null
  bool relu;
  int64_t nz, ny;                                // lines to sum over
  int64_t line_z, line_y, weights_z, weights_y;  // steps between them
  int64_t weights_x, weights_c;                  // from tap to tap in the last dim, and from channel to channel
  int64_t channels, source_width;
};

// f(line, weights) for each line that a row sums over, offset by `at` and `at_weights`.
template <class T, class F>
inline __attribute__((always_inline)) void each_line(const DepthwiseRow<T>& r, int64_t at, int64_t at_weights, const F& f) {
  for (int64_t z = 0; z < r.nz; ++z)
    for (int64_t y = 0; y < r.ny; ++y)
      f(r.line + z * r.line_z + y * r.line_y + at, r.weights + z * r.weights_z + y * r.weights_y + at_weights);
}

template <class T, class V> inline __attribute__((always_inline)) V depthwise_finish(const DepthwiseRow<T>& r, V sum, V bias) {
  if (r.bias) sum += bias;
  return r.relu ? (sum < 0 ? V{} : sum) : sum;
}

// x in a register from here on: keeps the compiler from loading it again for every use.
inline __attribute__((always_inline)) vf in_register(vf x) {
#if defined(__AVX2__)
  asm("" : "+v"(x));
#elif defined(__SSE2__)
  asm("" : "+x"(x));
#elif defined(__ARM_NEON)
  asm("" : "+w"(x));
#endif
  return x;
}

// f(integral constant 0), ... f(integral constant N - 1): a loop that is certainly unrolled.
template <class F, int... I>
inline __attribute__((always_inline)) void unrolled(const F& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>{}), ...);
}
template <int N, class F> inline __attribute__((always_inline)) void unrolled(const F& f) {
  unrolled(f, std::make_integer_sequence<int, N>{});
}

// In depthwise_block.cpp, for float32 rows of at least kLanes channels and 2 columns.
//
// gather: out[o] sums line[o * stride - before + t] weights[t], t < taps: taps 3 or 5, stride 1 or 2. spread: its transpose for
// stride 2, out[o * 2 - before + t] sums line[o] weights[t]. Columns and channels [begin, end); false: not one of these.
struct BlockShape {
  int64_t taps, stride, before;
};
bool gather_row(const DepthwiseRow<float>& r, const BlockShape& b, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end);
bool spread_row(const DepthwiseRow<float>& r, const BlockShape& b, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end);

}  // namespace KG_NS
