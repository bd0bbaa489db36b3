// How the operands of a convolution are read without ever being written out as matrices. Each source has get(q, at) and next(), as
// MatrixSource of gemm_panel.cuh has.
//
// A View is one product of a convolution: the image it reads, (batch, size..., pitch) with `depth` channels of a group; positions, the
// rows of the matrix, (batch, count...); and (tap, channel), its columns. Position q of a dim sees at tap t the pixel q * step + first + t *
// tap_step. Forward this is the window itself; for the gradient of the input it is dy, once for each remainder of a pixel's
// coordinates by the stride, since those pixels see the same taps and nothing is multiplied by the zeros between.
//
//   PixelDeep     (position, (tap, channel)): the left side of conv and conv_input_grad
//   PixelWide     its transpose, whose k are positions: the left side of conv_filter_grad
//   FilterDeep    w as (channel, (tap, filter)): the right side of conv_input_grad
//
// KG_DIMS: spatial dims from the last on that are not trivial. KG_INDEX: int32_t, or int64_t for arrays of 2^31 elements and more.
#pragma once
#include "gemm_panel.cuh"

namespace kg {

constexpr int kFirstDim = 3 - KG_DIMS;

// n / value for 0 <= n < 2^31: a multiplication and a shift.
struct Divisor {
  uint32_t factor;
  int32_t shift, value;
  KG_DEVICE int quotient(int n) const { return (int)((uint64_t)(uint32_t)n * factor >> shift); }
  KG_DEVICE int split(int& n) const {  // n becomes the quotient; the remainder is returned
    const int q = quotient(n), rest = n - q * value;
    n = q;
    return rest;
  }
};

struct Axis {
  Divisor count, taps;
  int32_t step, tap_step, first, size;    // of the image that is read
  int32_t kernel_first, kernel_step;      // the kernel's index at tap t
  int32_t out_size, out_first, out_step;  // where position q is in the result
  int32_t kernel;                         // taps of the whole kernel
};

struct View {
  Axis axis[3];
  Divisor depth;  // channels of a tap
  int32_t pitch;
  int32_t rows, k;  // positions; taps * depth
};

// Which (tap, channel) a column is.
struct Tap {
  int t[3], channel;
  KG_DEVICE Tap(const View& v, int column) {
    channel = v.depth.split(column);
    KG_UNROLL
    for (int d = 2; d > kFirstDim; --d) t[d] = v.axis[d].taps.split(column);
    t[kFirstDim] = column;
  }
};

template <class T, class S, int kK> struct PixelDeep {
  const View& v;
  const T* image;  // at the group's first channel
  Index base[S::kPieces];
  int at_pixel[S::kPieces][KG_DIMS];
  int k, end;
  Index offset;
  int shift[KG_DIMS];

  KG_DEVICE PixelDeep(const View& v, const T* image, int i, int begin, int end)
      : v(v), image(image), k(begin + S::column()), end(end) {
    KG_UNROLL
    for (int q = 0; q < S::kPieces; ++q) {
      int row = i + S::row() + q * S::kRowStep;
      const bool inside = row < v.rows;
      if (!inside) row = 0;
      int pixel[3];
      KG_UNROLL
      for (int d = 2; d >= kFirstDim; --d) pixel[d] = v.axis[d].count.split(row) * v.axis[d].step + v.axis[d].first;
      Index at = row;
      KG_UNROLL
      for (int d = kFirstDim; d < 3; ++d) {
        at = at * v.axis[d].size + pixel[d];
        at_pixel[q][d - kFirstDim] = inside ? pixel[d] : -(1 << 30);  // beyond any image, whatever the tap
      }
      base[q] = at * v.pitch;
    }
    locate();
  }
  KG_DEVICE void locate() {
    const Tap tap(v, k < end ? k : 0);
    Index at = 0;
    KG_UNROLL
    for (int d = kFirstDim; d < 3; ++d) {
      shift[d - kFirstDim] = tap.t[d] * v.axis[d].tap_step;
      at = at * v.axis[d].size + shift[d - kFirstDim];
    }
    offset = at * v.pitch + tap.channel;
  }
  KG_DEVICE bool get(int q, const T*& at) const {
    bool inside = k < end;
    KG_UNROLL
    for (int d = 0; d < KG_DIMS; ++d)
      inside = inside && (uint32_t)(at_pixel[q][d] + shift[d]) < (uint32_t)v.axis[d + kFirstDim].size;
    at = inside ? image + (base[q] + offset) : image;
    return inside;
  }
  KG_DEVICE void next() {
    k += kK;
    locate();
  }
};

template <class T, class S, int kK> struct PixelWide {
  const View& v;
  const T* image;
  int position, end;  // of piece 0
  bool inside_columns;
  Index offset;
  int shift[KG_DIMS];

  KG_DEVICE PixelWide(const View& v, const T* image, int i, int begin, int end)
      : v(v), image(image), position(begin + S::row()), end(end) {
    const int column = i + S::column();
    inside_columns = column < v.k;
    const Tap tap(v, inside_columns ? column : 0);
    KG_UNROLL
    for (int d = kFirstDim; d < 3; ++d) shift[d - kFirstDim] = tap.t[d] * v.axis[d].tap_step + v.axis[d].first;
    offset = tap.channel;
  }
  KG_DEVICE bool get(int q, const T*& at) const {
    int row = position + q * S::kRowStep;
    bool inside = inside_columns && row < end;
    if (!inside) row = 0;
    int pixel[3];
    KG_UNROLL
    for (int d = 2; d >= kFirstDim; --d) {
      pixel[d] = v.axis[d].count.split(row) * v.axis[d].step + shift[d - kFirstDim];
      inside = inside && (uint32_t)pixel[d] < (uint32_t)v.axis[d].size;
    }
    Index where = row;
    KG_UNROLL
    for (int d = kFirstDim; d < 3; ++d) where = where * v.axis[d].size + pixel[d];
    at = inside ? image + (where * v.pitch + offset) : image;
    return inside;
  }
  KG_DEVICE void next() { position += kK; }
};

template <class T, class S, int kK> struct FilterDeep {
  const View& v;
  const T* filter;  // at the group's first filter
  int channel, channels, k, end, pitch;
  Index offset;

  // channels: of the group, rows of this operand; pitch: filters of all groups.
  KG_DEVICE FilterDeep(const View& v, const T* filter, int pitch, int j, int channels, int begin, int end)
      : v(v), filter(filter), channel(j + S::row()), channels(channels), k(begin + S::column()), end(end), pitch(pitch) {
    locate();
  }
  KG_DEVICE void locate() {
    const Tap tap(v, k < end ? k : 0);
    Index at = 0;
    KG_UNROLL
    for (int d = kFirstDim; d < 3; ++d) {
      const Axis& a = v.axis[d];
      at = at * a.kernel + a.kernel_first + tap.t[d] * a.kernel_step;
    }
    offset = at * channels * pitch + tap.channel;
  }
  KG_DEVICE bool get(int q, const T*& at) const {
    const int c = channel + q * S::kRowStep;
    const bool inside = k < end && c < channels;
    at = inside ? filter + (offset + (Index)c * pitch) : filter;
    return inside;
  }
  KG_DEVICE void next() {
    k += kK;
    locate();
  }
};

}  // namespace kg
