// The product that a convolution is, forward and with respect to the input: the matrix of conv_source.h times the kernel.
#pragma once
#include <algorithm>

#include "conv_source.h"
#include "gemm_run.h"
#include "stream.h"

namespace KG_NS {

constexpr int64_t kConvStep = 512;         // columns of the first factor at a time, or so
constexpr int64_t kConvPartial = 1 << 15;  // elements of a chunk of the result
constexpr int64_t kConvPacked = 1 << 17;   // elements of the kernel that a chunk packs at a time

// The kernel as the second factor: element (tap, k; j) is w[tap][k][j], or w[tap][j][k] when transposed.
template <class T> struct Factor {
  const T* w;              // (kernel..., depth, filters)
  int64_t depth, filters;  // depth: channels of a group
  int64_t first_filter;    // of the group
  bool transposed;
  int64_t kernel[3];

  // Rows k..k+steps of a tap, `columns` columns from j on, as a strip for the tile kernels; returns its end.
  template <class S> S* pack(const Axis* axis, int64_t tap, int64_t k, int64_t steps, int64_t j, int64_t columns, S* to) const {
    const int64_t width = round_up(columns, Simd<S>::L);
    const int64_t t2 = tap % axis[2].taps, t1 = tap / axis[2].taps % axis[1].taps, t0 = tap / axis[2].taps / axis[1].taps;
    int64_t index = axis[0].kernel_first + t0 * axis[0].kernel_step;
    index = index * kernel[1] + axis[1].kernel_first + t1 * axis[1].kernel_step;
    index = index * kernel[2] + axis[2].kernel_first + t2 * axis[2].kernel_step;
    const T* from = w + index * depth * filters + first_filter;
    if (transposed)
      pack_along<S>(from + j * filters + k, filters, static_cast<int>(columns), steps, to, static_cast<int>(width));
    else
      pack_across<S>(from + k * filters + j, filters, static_cast<int>(columns), steps, to, static_cast<int>(width));
    return to + steps * width;
  }
};

// x is 0 where y is not positive.
template <class S, class T> inline void keep_positive(S* x, const T* y, int64_t n) {
  for (int64_t q = 0; q < n; ++q) x[q] = relu_grad_of(x[q], scalar_as(y[q], S()));
}

template <class T, class S> struct ConvProduct {
  static constexpr bool kConvert = !std::is_same<T, S>::value;
  static constexpr int L = Simd<S>::L;

  Source<T> source;
  Factor<T> factor;
  T* out;  // (batch, axis[].out_size..., out_pitch)
  int64_t out_pitch;
  int64_t out_channel, n;  // of the group: its first channel and how many there are
  const S* bias;           // n of them, or null
  bool relu;
  const T* relu_output = nullptr;  // of the shape of `out`: what is stored is 0 where it is not positive
  bool past_cache = false;         // whether whole vectors are written past the cache: see stream.h

  double flops() const {
    return 2.0 * static_cast<double>(source.positions()) * static_cast<double>(n) * static_cast<double>(source.columns());
  }
  int64_t offset(int64_t pixel, int64_t j) const { return pixel * out_pitch + out_channel + j; }
  T* place(int64_t pixel, int64_t j) const { return out + offset(pixel, j); }

  // Runs the tile kernel on `t`, which has its factors: `columns` columns from j on, of the pixels[0..rows-1], which are `step` apart
  // (0: unevenly). Sums that are not the last ones go to `sums`, in rows of `width`; `tile` is scratch for one tile.
  void multiply(Tile<S>& t, int64_t rows, const int64_t* pixels, int64_t step, int64_t j, int64_t columns, int64_t width,
                S* sums, bool first, bool last, S* tile) const {
    const int vectors = static_cast<int>(ceil_div(columns, L));
    t.last = columns - (vectors - 1) * L;
    t.start = first ? nullptr : sums;
    t.start_row = width;
    Epilogue<S> finish;
    finish.column_bias = bias ? bias + j : nullptr;
    finish.relu = relu;
    t.finish = last ? &finish : nullptr;
    const bool straight = !kConvert && step > 0;
    const bool stream_out = past_cache && columns % L == 0;
    if constexpr (!kConvert)
      if (relu_output && straight && !stream_out) finish.relu_output = relu_output + offset(pixels[0], j);
    t.c = !last ? sums : straight && !stream_out ? reinterpret_cast<S*>(place(pixels[0], j)) : tile;
    t.c_row = last && straight && !stream_out ? step * out_pitch : width;
    find_micro<S>(static_cast<int>(rows), vectors, false, t.last < L)(t);
    if (!last || (straight && !stream_out)) return;
    if (relu_output)
      for (int64_t r = 0; r < rows; ++r)
        keep_positive(tile + r * width, relu_output + offset(step > 0 ? pixels[0] + r * step : pixels[r], j), columns);
    if constexpr (!kConvert) {
      if (stream_out) {
        for (int64_t r = 0; r < rows; ++r) {
          T* to = place(step > 0 ? pixels[0] + r * step : pixels[r], j);
          for (int v = 0; v < vectors; ++v) stream(to + v * L, load<typename Simd<S>::V>(tile + r * width + v * L));
        }
        return;
      }
    }
    for (int64_t r = 0; r < rows; ++r) {
      T* to = place(step > 0 ? pixels[0] + r * step : pixels[r], j);
      if constexpr (kConvert)
        from_float(tile + r * width, to, columns);
      else
        std::memcpy(to, tile + r * width, static_cast<size_t>(columns) * sizeof(T));
    }
  }
};

// A bias in the dtype that is computed with.
template <class T, class S> class WideBias {
 public:
  WideBias(const T* bias, int64_t n) : memory_(bias && kConvert ? n * int64_t(sizeof(S)) : 0) {
    if constexpr (kConvert) {
      if (bias) to_float(bias, memory_.template as<S>(), n), bias_ = memory_.template as<S>();
    } else {
      bias_ = bias;
    }
  }
  const S* from(int64_t j) const { return bias_ ? bias_ + j : nullptr; }

 private:
  static constexpr bool kConvert = !std::is_same<T, S>::value;
  const Scratch memory_;
  const S* bias_ = nullptr;
};

}  // namespace KG_NS
