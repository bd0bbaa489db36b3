// What Winograd's method does forward and backward alike: the transformed kernel, and the products of transformed tiles with it.
#pragma once
#include "conv_winograd.h"

namespace KG_NS {

// A 3x3 kernel transformed: 36 matrices (channels, outputs), packed in strips for the tile kernels.
class WinogradKernel {
 public:
  // turned: by 180 degrees, the first tap last.
  WinogradKernel(const ConvProduct<float, float>& x, bool turned)
      : depth_(x.source.depth),
        plane_(odd_lines(round_up(x.n, L) * depth_)),
        memory_((kTileAll * plane_ + depth_ + L) * int64_t(sizeof(float))) {
    float* const u = memory_.as<float>();
    std::memset(u + kTileAll * plane_, 0, static_cast<size_t>(depth_ + L) * sizeof(float));
    const int64_t strips = ceil_div(x.n, kWidth), pieces = ceil_div(depth_, kSteps);
    parallel_range(strips * pieces, 4, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t j = task / pieces * kWidth, k = task % pieces * kSteps;
        transform(x, turned, k, min_of(kSteps, depth_ - k), j, min_of(kWidth, x.n - j), u + j * depth_);
      }
    });
  }
  const float* zeros() const { return memory_.as<float>() + kTileAll * plane_; }  // `channels` of them
  const float* strip(int xi, int64_t j) const { return memory_.as<float>() + xi * plane_ + j * depth_; }

  static constexpr int64_t kWidth = 2 * kLanes;  // outputs of a strip

 private:
  static constexpr int L = kLanes;
  static constexpr int64_t kSteps = 16;  // channels at a time

  // Channels k..k+steps and a strip of outputs from j on.
  void transform(const ConvProduct<float, float>& x, bool turned, int64_t k, int64_t steps, int64_t j, int64_t columns,
                 float* u) const {
    float packed[9][kSteps * kWidth + L];
    const int64_t width = round_up(columns, L);
    for (int tap = 0; tap < 9; ++tap)
      x.factor.pack<float>(x.source.axis, turned ? 8 - tap : tap, k, steps, j, columns, packed[tap]);
    for (int64_t at = 0; at < steps * width; at += L) {
      vf half[3 * kTile], all[kTileAll];
      for (int c = 0; c < 3; ++c)
        winograd_kernel(vload(packed[c] + at), vload(packed[3 + c] + at), vload(packed[6 + c] + at), half + c, 3);
      for (int r = 0; r < kTile; ++r) winograd_kernel(half[3 * r], half[3 * r + 1], half[3 * r + 2], all + kTile * r, 1);
      for (int xi = 0; xi < kTileAll; ++xi) vstore(u + xi * plane_ + k * width + at, all[xi]);
    }
  }

  const int64_t depth_, plane_;
  const Scratch memory_;
};

// How many tiles and outputs are worked on at a time, and where their transforms lie.
struct WinogradPlan {
  int64_t block, blocks;      // tiles at a time
  int64_t chunk_n, chunks_n;  // outputs at a time
  int rows;
  int64_t in_pitch, out_pitch;  // of the transformed tiles
  int64_t in_step, out_step;    // from one of the 36 matrices to the next
  int64_t in, out;              // elements of scratch

  // From block and chunk_n.
  void lay_out(int64_t depth) {
    rows = static_cast<int>(ceil_div(block, ceil_div(block, rows_for(2))));
    in_pitch = odd_lines(depth), out_pitch = odd_lines(chunk_n);
    in_step = odd_lines(block * in_pitch), out_step = odd_lines(block * out_pitch);
    in = kTileAll * in_step, out = kTileAll * out_step;
  }

  // The 36 products, for outputs j0..j1.
  void multiply(const float* in_tiles, const WinogradKernel& kernel, int64_t depth, int64_t tiles, int64_t j0, int64_t j1,
                float* out_tiles) const {
    constexpr int L = kLanes;
    for (int xi = 0; xi < kTileAll; ++xi)
      for (int64_t i = 0; i < tiles; i += rows)
        for (int64_t j = j0; j < j1; j += WinogradKernel::kWidth) {
          const int vectors = static_cast<int>(ceil_div(min_of(WinogradKernel::kWidth, j1 - j), L));
          Tile<float> t;
          t.k = depth;
          t.a = in_tiles + xi * in_step + i * in_pitch, t.a_row = in_pitch, t.a_k = 1;
          t.b = kernel.strip(xi, j), t.b_k = vectors * L;
          t.start = nullptr, t.start_row = 0;
          t.c = out_tiles + xi * out_step + i * out_pitch + (j - j0), t.c_row = out_pitch;
          t.last = L;
          t.finish = nullptr;
          find_micro<float>(static_cast<int>(min_of(rows, tiles - i)), vectors, false, false)(t);
        }
  }
};

}  // namespace KG_NS
