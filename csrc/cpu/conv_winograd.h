// Winograd's minimal filtering for windows of 3x3 without stride or dilation: 36 products for 4x4 outputs in place of 144.
//
// y = A' [(G w G') . (B' x B)] A with 6x6 tiles of x that overlap by two pixels (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015). The interpolation points are 0, 1, -1, 1/2, -2 and infinity, which err less than the usual
// 0, +-1, +-2 (Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution", 2020): measured, at most 5e-6 of
// the largest output with 512 channels of normal numbers, where a plain sum in float32 errs by 5e-7.
#pragma once
#include "conv_product.h"

namespace KG_NS {

constexpr int kTile = 6, kTileOut = 4, kTileAll = kTile * kTile;

// B' d for one column of a tile.
template <class V> inline __attribute__((always_inline)) void winograd_input(const V* d, V* to, int step) {
  const V z0 = d[2] - d[0], z1 = d[3] - d[1], z2 = d[4] - d[2], z3 = d[5] - d[3];
  const V low = fma(broadcast(1.5f), d[2], d[3] - d[1]), high = fma(broadcast(1.5f), d[3], d[4] - d[2]);
  to[0] = fma(broadcast(1.5f), z1, z2 - z0);
  to[step] = low + high;
  to[2 * step] = high - low;
  to[3 * step] = fma(broadcast(2.0f), z1, z2);
  to[4 * step] = fma(broadcast(-0.5f), z1, z2);
  to[5 * step] = fma(broadcast(1.5f), z2, z3 - z1);
}

// G w.
template <class V> inline __attribute__((always_inline)) void winograd_kernel(V w0, V w1, V w2, V* to, int step) {
  const V even = (w0 + w2) * broadcast(1 / 3.0f), odd = w1 * broadcast(1 / 3.0f);
  to[0] = w0;
  to[step] = even + odd;
  to[2 * step] = odd - even;
  to[3 * step] = broadcast(-4 / 15.0f) * (fma(broadcast(4.0f), w0, w2) + broadcast(2.0f) * w1);
  to[4 * step] = broadcast(1 / 15.0f) * (fma(broadcast(4.0f), w2, w0) - broadcast(2.0f) * w1);
  to[5 * step] = w2;
}

// A' m.
template <class V> inline __attribute__((always_inline)) void winograd_output(const V* m, V* to, int step) {
  const V sum = m[1] + m[2], difference = m[1] - m[2];
  to[0] = (m[0] + sum) + (m[3] + m[4]);
  to[step] = fma(broadcast(-2.0f), m[4], fma(broadcast(0.5f), m[3], difference));
  to[2 * step] = fma(broadcast(4.0f), m[4], fma(broadcast(0.25f), m[3], sum));
  to[3 * step] = fma(broadcast(-8.0f), m[4], fma(broadcast(0.125f), m[3], difference)) + m[5];
}

// Whether the product is one of 3x3 windows for which this pays, by an estimate from the sizes alone.
bool winograd_pays(const ConvProduct<float, float>& x);
void run_winograd(const ConvProduct<float, float>& x);

}  // namespace KG_NS
