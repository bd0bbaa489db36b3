// Convolution with 3x3 windows by Winograd's method; see conv_winograd.h.
//
// The kernel is transformed first: 36 matrices (channels, outputs), packed in strips. Then blocks of tiles are taken by threads: each
// transforms its part of the image, multiplies 36 small matrices (tiles, channels) with those of the kernel, and transforms the sums
// back. Scratch memory is 4 times the kernel and a fixed amount per thread.
#include "conv_winograd_product.h"

namespace KG_NS {
namespace {

constexpr int L = kLanes;

WinogradPlan make_plan(const ConvProduct<float, float>& x, int64_t tiles) {
  const int64_t depth = x.source.depth;
  WinogradPlan p;
  p.chunk_n = min_of(round_up(x.n, 2 * L), 256);
  p.chunks_n = ceil_div(x.n, p.chunk_n);
  // What a block works on should stay in the second cache level.
  const int64_t fits = (1 << 17) / (kTileAll * (depth + p.chunk_n));
  const int64_t most = rows_for(2);
  p.block = min_of(tiles, std::max<int64_t>(2, min_of(8, fits / most)) * most);
  // Enough blocks for many threads.
  while (p.block > most && ceil_div(tiles, p.block) * p.chunks_n < 16) p.block = std::max(most, p.block / 2);
  p.block = ceil_div(tiles, ceil_div(tiles, p.block));
  p.blocks = ceil_div(tiles, p.block);
  while (p.chunk_n > 2 * L && p.blocks * p.chunks_n < 8) {
    p.chunk_n = round_up(p.chunk_n / 2, 2 * L);
    p.chunks_n = ceil_div(x.n, p.chunk_n);
  }
  p.lay_out(depth);
  return p;
}

class WinogradBlock {
 public:
  WinogradBlock(const ConvProduct<float, float>& x, const TileGrid& grid, const WinogradPlan& plan,
                const WinogradKernel& kernel, float* scratch)
      : x_(x), grid_(grid), plan_(plan), kernel_(kernel), in_(scratch), out_(scratch + plan.in) {}

  // Tiles t0..t1, outputs j0..j1.
  void run(int64_t t0, int64_t t1, int64_t j0, int64_t j1) {
    for (int64_t t = t0; t < t1; ++t)
      read_tile(x_.source, grid_, t, 0, x_.source.depth, kernel_.zeros(), in_ + (t - t0) * plan_.in_pitch, plan_.in_step);
    plan_.multiply(in_, kernel_, x_.source.depth, t1 - t0, j0, j1, out_);
    for (int64_t t = t0; t < t1; ++t) write(t, out_ + (t - t0) * plan_.out_pitch, j0, j1);
  }

 private:
  // Transforms the sums of tile t back and writes its outputs.
  void write(int64_t t, const float* from, int64_t j0, int64_t j1) const {
    const Axis* axis = x_.source.axis;
    const int64_t y0 = grid_.y(t), x0 = grid_.x(t);
    const int high = static_cast<int>(min_of(kTileOut, axis[1].count - y0));
    const int wide = static_cast<int>(min_of(kTileOut, axis[2].count - x0));
    const int64_t pixel = (grid_.image(t) * axis[1].count + y0) * axis[2].count + x0;
    for (int64_t j = j0; j < j1; j += L) {
      const int64_t columns = min_of(L, j1 - j);
      const Mask<float> mask(columns);
      vf half[kTileOut * kTile], all[kTileOut * kTileOut];
      for (int c = 0; c < kTile; ++c) {
        vf m[kTile];
#pragma GCC unroll 6
        for (int r = 0; r < kTile; ++r) m[r] = vload(from + (kTile * r + c) * plan_.out_step + (j - j0));
        winograd_output(m, half + c, kTile);
      }
      for (int r = 0; r < kTileOut; ++r) winograd_output(half + kTile * r, all + kTileOut * r, 1);
      const vf bias = x_.bias ? mask.load(x_.bias + j) : vf{};
      for (int r = 0; r < high; ++r)
        for (int c = 0; c < wide; ++c) {
          vf y = all[kTileOut * r + c];
          if (x_.bias) y = y + bias;
          if (x_.relu) y = relu_of(y);
          const int64_t at = x_.offset(pixel + r * axis[2].count + c, j);
          if (x_.relu_output) y = relu_grad_of(y, mask.load(x_.relu_output + at));
          float* to = x_.out + at;
          if (columns == L)
            vstore(to, y);
          else
            mask.store(to, y);
        }
    }
  }

  const ConvProduct<float, float>& x_;
  const TileGrid& grid_;
  const WinogradPlan& plan_;
  const WinogradKernel& kernel_;
  float* const in_;
  float* const out_;
};

}  // namespace

bool winograd_pays(const ConvProduct<float, float>& x) {
  if (!plain_3x3(x.source)) return false;
  const int64_t depth = x.source.depth;
  if (depth < 8 || x.n < 8 || depth > 1024) return false;
  // Cycles of a core with a vector of 16: the products, the transforms of tiles, the transform of the kernel.
  const double c = static_cast<double>(round_up(depth, 4)), n = static_cast<double>(round_up(x.n, 16));
  const double tiles = static_cast<double>(TileGrid(x.source).tiles);
  const double plain = static_cast<double>(x.source.positions()) * 9 * c * n / 16;
  const double kernel = 36 * c * n * sizeof(float);  // bytes of the transformed kernel, which each block of tiles reads
  const double stream = kernel > 600e3 ? (tiles / 28 + 1) * kernel / 24 : 0;
  const double transform = (kernel > 4e6 ? 72 : 20) * c * n;
  return tiles * (36 * c * n / 16 + 12 * c + 8 * n) + transform + stream < 0.85 * plain;
}

void run_winograd(const ConvProduct<float, float>& x) {
  const TileGrid grid(x.source);
  const WinogradPlan plan = make_plan(x, grid.tiles);
  const WinogradKernel kernel(x, false);
  const int64_t chunks = plan.blocks * plan.chunks_n;
  Slots<float> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<float>::kMost), chunks)), plan.in + plan.out);
  parallel_for(chunks, [&](int64_t chunk) {
    slots.with([&](float* scratch) {
      const int64_t t = chunk / plan.chunks_n * plan.block, j = chunk % plan.chunks_n * plan.chunk_n;
      WinogradBlock(x, grid, plan, kernel, scratch)
          .run(t, min_of(t + plan.block, grid.tiles), j, min_of(j + plan.chunk_n, x.n));
    });
  });
}

}  // namespace KG_NS
