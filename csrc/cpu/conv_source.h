// What a convolution reads: a matrix with a row for each position of the window and a column for each (tap, channel), which
// exists only in pieces that are gathered from the image when they are needed.
//
// Forward, the image is x and a position is an output pixel. For the gradient of the input it is dy: the pixels of dx whose
// coordinates leave the same remainder when divided by the stride see the same taps, so each such class is a convolution with
// stride 1 over dy, and nothing is multiplied by the zeros between.
#pragma once
#include "conv.h"
#include "gemm_pack.h"

namespace KG_NS {

// One spatial dim. Position q sees, at tap t, source coordinate first + q * step + t * tap_step.
struct Axis {
  int64_t count, step;  // positions
  int64_t taps, tap_step, first;
  int64_t size;                       // of the source
  int64_t kernel_first, kernel_step;  // the kernel's index at tap t: kernel_first + t * kernel_step
  int64_t out_size;                   // of the result
  int64_t out_first, out_step;        // where position q is in the result: out_first + q * out_step
};

// A stretch of columns that is contiguous in the image: some channels of one tap, or all channels of neighbouring taps.
struct Run {
  int64_t d[3];    // coordinates of its first pixel, less those of the position
  int64_t offset;  // in elements, from the position's own pixel
  int64_t length;  // in elements
  int64_t pixels;
};

constexpr int64_t kMostRuns = 640;  // in one piece; see kConvStep in conv_product.h

template <class T> struct Source {
  const T* data;  // (batch, axis[].size..., pitch)
  int64_t batch, pitch;
  int64_t channel, depth;  // of the group: its first channel and how many there are
  Axis axis[3];

  int64_t positions() const { return batch * axis[0].count * axis[1].count * axis[2].count; }
  int64_t taps() const { return axis[0].taps * axis[1].taps * axis[2].taps; }
  int64_t columns() const { return taps() * depth; }
  // Whether the channels of neighbouring taps are neighbours in memory.
  bool joined() const { return axis[2].tap_step == 1 && depth == pitch; }

  // Columns k0..k1: whole taps, or a part of one.
  int64_t list_runs(int64_t k0, int64_t k1, Run* runs) const {
    int64_t found = 0;
    for (int64_t k = k0; k < k1;) {
      const int64_t tap = k / depth, c = k % depth;
      const int64_t t2 = tap % axis[2].taps, t1 = tap / axis[2].taps % axis[1].taps, t0 = tap / axis[2].taps / axis[1].taps;
      Run& run = runs[found++];
      const int64_t t[3] = {t0, t1, t2};
      for (int a = 0; a < 3; ++a) run.d[a] = axis[a].first + t[a] * axis[a].tap_step;
      run.offset = ((run.d[0] * axis[1].size + run.d[1]) * axis[2].size + run.d[2]) * pitch + channel + c;
      const int64_t end = joined() && c == 0 ? (tap + axis[2].taps - t2) * depth : k - c + depth;
      run.length = (end < k1 ? end : k1) - k;
      run.pixels = 1;
      if (run.length > depth) run.pixels = run.length / depth, run.length = run.pixels * depth;
      k += run.length;
    }
    return found;
  }
};

// Windows of one element without stride see each pixel once: all pixels are one long line.
template <class T> void join_lines(Source<T>& s) {
  Axis* axis = s.axis;
  for (int a = 0; a < 3; ++a)
    if (axis[a].taps != 1 || axis[a].step != 1 || axis[a].first != 0 || axis[a].out_step != 1 ||
        axis[a].count != axis[a].size || axis[a].out_size != axis[a].size)
      return;
  const int64_t all = s.positions();
  for (int a = 0; a < 2; ++a) axis[a].count = axis[a].size = axis[a].out_size = 1;
  axis[2].count = axis[2].size = axis[2].out_size = all;
  s.batch = 1;
}

// What group g sees forward.
template <class T> Source<T> forward_source(const ConvCall& c, const T* x, int64_t g) {
  Source<T> s{x, c.batch, c.channels, g * c.depth, c.depth, {}};
  const Window& w = c.window;
  for (int a = 0; a < 3; ++a)
    s.axis[a] = {w.count[a], w.stride[a], w.kernel[a], w.dilation[a], -w.before[a], w.size[a], 0, 1, w.count[a], 0, 1};
  return s;
}

// Walks over the positions in order.
struct Position {
  int64_t n, q[3];

  template <class T> Position(const Source<T>& s, int64_t m) {
    q[2] = m % s.axis[2].count, m /= s.axis[2].count;
    q[1] = m % s.axis[1].count, m /= s.axis[1].count;
    q[0] = m % s.axis[0].count, n = m / s.axis[0].count;
  }
  template <class T> void next(const Source<T>& s) {
    if (++q[2] < s.axis[2].count) return;
    q[2] = 0;
    if (++q[1] < s.axis[1].count) return;
    q[1] = 0;
    if (++q[0] < s.axis[0].count) return;
    q[0] = 0, ++n;
  }
  // Of the pixel in the result, among all its pixels.
  template <class T> int64_t pixel(const Source<T>& s) const {
    int64_t at = n;
    for (int a = 0; a < 3; ++a) at = at * s.axis[a].out_size + s.axis[a].out_first + q[a] * s.axis[a].out_step;
    return at;
  }
};

// n elements, converted; up to a vector more is written behind them.
template <class S, class T> inline void copy_run(const T* from, S* to, int64_t n) {
  constexpr int L = Simd<S>::L;
  for (; n >= L; n -= L, from += L, to += L) store(to, load_as(from, S{}));
  if (n > 0) store(to, load_part(from, n, S{}));
}
template <class S> inline void zero_run(S* to, int64_t n) {
  constexpr int L = Simd<S>::L;
  for (; n > 0; n -= L, to += L) store(to, typename Simd<S>::V{});
}

// `rows` rows of the matrix from position `at` on, the columns of `runs`, to rows of `ld` elements. Padding becomes zeros. `to`
// needs a vector of room after its end.
template <class T, class S>
void gather(const Source<T>& s, const Run* runs, int64_t count, Position at, int64_t rows, S* to, int64_t ld) {
  const Axis* axis = s.axis;
  int64_t low[3], high[3];  // bases of positions whose windows lie inside the image
  for (int a = 0; a < 3; ++a) {
    low[a] = -axis[a].first;
    high[a] = axis[a].size - axis[a].first - (axis[a].taps - 1) * axis[a].tap_step;
  }
  for (int64_t r = 0; r < rows; ++r, to += ld, at.next(s)) {
    const int64_t b[3] = {at.q[0] * axis[0].step, at.q[1] * axis[1].step, at.q[2] * axis[2].step};
    const int64_t pixel = ((at.n * axis[0].size + b[0]) * axis[1].size + b[1]) * axis[2].size + b[2];
    const int64_t base = pixel * s.pitch;
    S* put = to;
    if (b[0] >= low[0] && b[0] < high[0] && b[1] >= low[1] && b[1] < high[1] && b[2] >= low[2] && b[2] < high[2]) {
      for (int64_t k = 0; k < count; ++k) {
        copy_run(s.data + (base + runs[k].offset), put, runs[k].length);
        put += runs[k].length;
      }
      continue;
    }
    for (int64_t k = 0; k < count; ++k) {
      const Run& run = runs[k];
      const int64_t y0 = b[0] + run.d[0], y1 = b[1] + run.d[1], y2 = b[2] + run.d[2];
      int64_t before = y2 < 0 ? -y2 : 0, after = y2 + run.pixels - axis[2].size;  // pixels outside
      if (after < 0) after = 0;
      if (y0 < 0 || y0 >= axis[0].size || y1 < 0 || y1 >= axis[1].size || before + after >= run.pixels) {
        zero_run(put, run.length);
      } else {
        const int64_t each = run.length / run.pixels;
        before *= each, after *= each;
        zero_run(put, before);
        copy_run(s.data + (base + run.offset + before), put + before, run.length - before - after);
        zero_run(put + (run.length - after), after);
      }
      put += run.length;
    }
  }
}

}  // namespace KG_NS
