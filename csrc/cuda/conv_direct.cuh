// What the direct convolutions of images with few channels share: tiles of the result, and the pixels that one sees in shared memory.
//
// A tile is `rows` rows and `groups` groups of KG_P columns of y (batch, out_height, out_width, filters), one image. It sees
// (rows - 1) * stride + lines lines of x, and (groups * KG_P - 1) KG_STRIDE + KG_TAPS pixels of each, KG_CHANNELS values a pixel.
// Defines: KG_T float, f16 or bf16; KG_CHANNELS 1 to 4; KG_TAPS and KG_STRIDE of a line (dilation 1); KG_P columns of a thread, a
// multiple of 4; KG_LANES threads that lie along filters, 4 filters each: a power of two up to 16.
#pragma once
#include "column_sums.cuh"

namespace kg {

typedef KG_T T;
constexpr int C = KG_CHANNELS, K = KG_TAPS, S = KG_STRIDE, P = KG_P, kLanes = KG_LANES, kFilters = 4 * KG_LANES;
constexpr int kPixels = (P - 1) * S + K;         // of a line, that P columns see
constexpr int kRun = (kPixels * C + 3) / 4 * 4;  // their values, in steps of 16 bytes

struct Params {
  const T *x, *w, *bias;  // w: or dy
  T* y;                   // or dw
  float* partial;         // (stretches, lines, taps, channels, filters) of dw
  int32_t height, width, out_height, out_width, filters;
  int32_t lines, stride, before_y, before_x;  // stride: from row to row
  int32_t rows, groups, down, across, tiles;  // down, across: tiles of an image
  int32_t line;                               // values of a line in shared memory
  int32_t strips, relu, packed;               // strips of filters; packed: filters is a multiple of 4
  int32_t parts, stretch;                     // of the filter gradient
#if KG_SUMS
  ColumnSums<T> sums;  // of dy
#endif
};

struct Place {
  int n, row, column;
};
KG_DEVICE Place place_of(const Params& p, int tile) {
  const int line = tile / p.across, n = line / p.down;
  return {n, (line - n * p.down) * p.rows, (tile - line * p.across) * p.groups * P};
}

// The pixels of a tile as float, 0 outside the image: (lines, p.line). A warp takes a line at a time.
KG_DEVICE void stage(const Params& p, const Place& at, float* room) {
  const int seen = (p.rows - 1) * p.stride + p.lines, first = (at.column * S - p.before_x) * C, width = p.width * C;
  const int top = at.row * p.stride - p.before_y;
  for (int r = warp_index(); r < seen; r += (int)blockDim.x / 32) {
    const int y = top + r;
    const bool real = y >= 0 && y < p.height;
    const T* line = p.x + ((int64_t)at.n * p.height + (real ? y : 0)) * width;
    for (int q = lane_index(); q < p.line; q += 32)
      room[r * p.line + q] = real && first + q >= 0 && first + q < width ? widen(line[first + q]) : 0.0f;
  }
}

KG_DEVICE Pack<float, 4> four(const float* x) { return *reinterpret_cast<const Pack<float, 4>*>(x); }

}  // namespace kg
