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

// For the gradient of the kernel, which is a convolution of x by 4x4 tiles of dy with 3x3 results: G and A' of that shape.
template <class V> inline __attribute__((always_inline)) void winograd_gradient(const V* w, V* to, int step) {
  const V even = (w[0] + w[2]) * broadcast(1 / 3.0f), odd = (w[1] + w[3]) * broadcast(1 / 3.0f);
  to[0] = w[0];
  to[step] = even + odd;
  to[2 * step] = odd - even;
  to[3 * step] = broadcast(-2 / 15.0f) * (fma(broadcast(8.0f), w[0], w[3]) + fma(broadcast(4.0f), w[1], w[2] + w[2]));
  to[4 * step] = broadcast(1 / 15.0f) * (fma(broadcast(4.0f), w[2], w[0]) - fma(broadcast(8.0f), w[3], w[1] + w[1]));
  to[5 * step] = w[3];
}
template <class V> inline __attribute__((always_inline)) void winograd_taps(const V* m, V* to, int step) {
  const V sum = m[1] + m[2], difference = m[1] - m[2];
  to[0] = (m[0] + sum) + (m[3] + m[4]);
  to[step] = fma(broadcast(-2.0f), m[4], fma(broadcast(0.5f), m[3], difference));
  to[2 * step] = fma(broadcast(4.0f), m[4], fma(broadcast(0.25f), m[3], sum)) + m[5];
}

// n elements, rounded up to whole vectors and an odd number of cache lines: stretches a power of two apart would share few of them.
inline int64_t odd_lines(int64_t n) { return ((n + 15) / 16 | 1) * 16; }

// The tiles of the images of a source.
struct TileGrid {
  int64_t down, across, tiles;  // of an image, and of all
  template <class T> explicit TileGrid(const Source<T>& s)
      : down(ceil_div(s.axis[1].count, kTileOut)),
        across(ceil_div(s.axis[2].count, kTileOut)),
        tiles(s.batch * down * across) {}
  int64_t image(int64_t t) const { return t / (down * across); }
  int64_t y(int64_t t) const { return t / across % down * kTileOut; }
  int64_t x(int64_t t) const { return t % across * kTileOut; }
};

// The pixels of a tile, kSide x kSide of them; those outside the image read `zeros`.
template <int kSide> class TilePixels {
 public:
  // image: its first pixel, at the first channel; its pixels lie `pitch` apart.
  TilePixels(const float* image, int64_t high, int64_t wide, int64_t pitch, int64_t y0, int64_t x0, const float* zeros)
      : below_(reinterpret_cast<uintptr_t>(image) + static_cast<uintptr_t>(((y0 + kTileOut) * wide + x0) * pitch * 4)),
        inside_(y0 >= 0 && y0 + kSide <= high && x0 >= 0 && x0 + kSide <= wide),
        line_(wide * pitch),
        pitch_(pitch) {
    if (inside_) {
      first_ = image + (y0 * wide + x0) * pitch;
      return;
    }
    for (int r = 0; r < kSide; ++r)
      for (int c = 0; c < kSide; ++c) {
        const bool there = y0 + r >= 0 && y0 + r < high && x0 + c >= 0 && x0 + c < wide;
        pixel_[kSide * r + c] = there ? image + ((y0 + r) * wide + x0 + c) * pitch : zeros;
      }
  }
  // Asks for what the tile below will read of channels k0..k1 and this one did not.
  void prefetch_below(int64_t k0, int64_t k1) const {
    constexpr int kNew = kSide - kTileOut;
    for (int r = kNew; r < kSide; ++r)
      for (int c = kNew; c < kSide; ++c)
        for (int64_t k = k0; k < k1; k += 16)
          __builtin_prefetch(reinterpret_cast<const void*>(below_ + static_cast<uintptr_t>((r * line_ + c * pitch_ + k) * 4)));
  }
  // f(c, d) for each column c, d its kSide values of the channels that `read` takes from k on.
  template <class Read, class F> inline __attribute__((always_inline)) void columns(int64_t k, const Read& read,
                                                                                    const F& f) const {
    if (inside_) {
      const float* from = first_ + k;
      for (int c = 0; c < kSide; ++c, from += pitch_) {
        vf d[kSide];
#pragma GCC unroll 6
        for (int r = 0; r < kSide; ++r) d[r] = read(from + r * line_);
        f(c, d);
      }
    } else {
      for (int c = 0; c < kSide; ++c) {
        vf d[kSide];
#pragma GCC unroll 6
        for (int r = 0; r < kSide; ++r) d[r] = read(pixel_[kSide * r + c] + k);
        f(c, d);
      }
    }
  }

 private:
  const uintptr_t below_;  // the tile below, as a number: it may lie outside the image
  const bool inside_;
  const int64_t line_, pitch_;
  const float* first_;
  const float* pixel_[kSide * kSide];
};

// f(k, read) for vectors of the channels k0..k1; read(p) loads those of one at p.
template <class F> inline __attribute__((always_inline)) void each_channels(int64_t k0, int64_t k1, const F& f) {
  int64_t k = k0;
  for (; k + kLanes <= k1; k += kLanes) f(k, [](const float* p) { return vload(p); });
  if (k < k1) {
    const Mask<float> mask(k1 - k);
    f(k, [&mask](const float* p) { return mask.load(p); });
  }
}

// B' x B of channels k0..k1 of tile t: its 36 values of each channel go `step` apart. zeros: k1 of them.
inline void read_tile(const Source<float>& s, const TileGrid& grid, int64_t t, int64_t k0, int64_t k1, const float* zeros,
                      float* to, int64_t step) {
  const int64_t high = s.axis[1].size, wide = s.axis[2].size;
  const TilePixels<kTile> tile(s.data + grid.image(t) * high * wide * s.pitch + s.channel, high, wide, s.pitch,
                               grid.y(t) + s.axis[1].first, grid.x(t) + s.axis[2].first, zeros);
  tile.prefetch_below(k0, k1);
  each_channels(k0, k1, [&](int64_t k, auto read) {
    vf half[kTileAll];
    tile.columns(k, read, [&](int c, const vf* d) { winograd_input(d, half + c, kTile); });
    for (int r = 0; r < kTile; ++r) {
      vf all[kTile];
      winograd_input(half + kTile * r, all, 1);
#pragma GCC unroll 6
      for (int c = 0; c < kTile; ++c) vstore(to + (kTile * r + c) * step + (k - k0), all[c]);
    }
  });
}

// Whether a source's windows are 3x3 without stride and dilation, over an image of two dims.
inline bool plain_3x3(const Source<float>& s) {
  if (s.axis[0].taps != 1 || s.axis[0].count != 1 || s.axis[0].size != 1) return false;
  for (int a = 1; a < 3; ++a)
    if (s.axis[a].taps != 3 || s.axis[a].tap_step != 1 || s.axis[a].step != 1 || s.axis[a].out_step != 1 ||
        s.axis[a].out_size != s.axis[a].count)
      return false;
  return true;
}

// Whether the product is one of 3x3 windows for which this pays, by an estimate from the sizes alone.
bool winograd_pays(const ConvProduct<float, float>& x);
void run_winograd(const ConvProduct<float, float>& x);
// Whether it pays more to spread tiles of the source than to gather for tiles of the result: conv_winograd_back.cpp.
bool winograd_back_pays(const ConvProduct<float, float>& x);
void run_winograd_back(const ConvProduct<float, float>& x);

// Likewise for the gradient of the kernel. dy: at the group's first of `filters` filters, of which it has n; dw likewise.
bool winograd_gradient_pays(const Source<float>& x, int64_t n);
void run_winograd_gradient(const Source<float>& x, const float* dy, int64_t filters, int64_t n, float* dw);

}  // namespace KG_NS
