// Convolution with 3x3 windows by Winograd's method; see conv_winograd.h.
//
// The kernel is transformed first: 36 matrices (channels, outputs), packed in strips. Then blocks of tiles are taken by threads: each
// transforms its part of the image, multiplies 36 small matrices (tiles, channels) with those of the kernel, and transforms the sums
// back. Scratch memory is 4 times the kernel and a fixed amount per thread.
#include "conv_winograd.h"

namespace KG_NS {
namespace {

constexpr int L = kLanes;
constexpr int kSteps = 16;  // rows of the kernel transformed at a time

struct WinogradPlan {
  int64_t block, blocks;      // tiles at a time
  int64_t chunk_n, chunks_n;  // outputs at a time
  int rows;
  int64_t in_pitch, out_pitch;  // of the transformed tiles
  int64_t in_step, out_step;    // from one of the 36 matrices to the next
  int64_t in, out;              // elements of scratch
};

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
  p.rows = static_cast<int>(ceil_div(p.block, ceil_div(p.block, most)));
  p.in_pitch = odd_lines(depth), p.out_pitch = odd_lines(p.chunk_n);
  p.in_step = odd_lines(p.block * p.in_pitch), p.out_step = odd_lines(p.block * p.out_pitch);
  p.in = kTileAll * p.in_step, p.out = kTileAll * p.out_step;
  return p;
}

// Rows k..k+steps and the strip of outputs from j on: u[xi * plane + ...] in the layout of the tile kernels.
void transform_kernel(const ConvProduct<float, float>& x, int64_t k, int64_t steps, int64_t j, int64_t columns, float* u,
                      int64_t plane) {
  float packed[9][kSteps * 2 * L + L];
  const int64_t width = round_up(columns, L);
  for (int tap = 0; tap < 9; ++tap) x.factor.pack<float>(x.source.axis, tap, k, steps, j, columns, packed[tap]);
  for (int64_t at = 0; at < steps * width; at += L) {
    vf half[3 * kTile], all[kTileAll];
    for (int c = 0; c < 3; ++c)
      winograd_kernel(vload(packed[c] + at), vload(packed[3 + c] + at), vload(packed[6 + c] + at), half + c, 3);
    for (int r = 0; r < kTile; ++r) winograd_kernel(half[3 * r], half[3 * r + 1], half[3 * r + 2], all + kTile * r, 1);
    for (int xi = 0; xi < kTileAll; ++xi) vstore(u + xi * plane + k * width + at, all[xi]);
  }
}

class WinogradBlock {
 public:
  WinogradBlock(const ConvProduct<float, float>& x, const TileGrid& grid, const WinogradPlan& plan, const float* u,
                int64_t plane, const float* zeros, float* scratch)
      : x_(x), grid_(grid), plan_(plan), u_(u), plane_(plane), zeros_(zeros), in_(scratch), out_(scratch + plan.in) {}

  // Tiles t0..t1, outputs j0..j1.
  void run(int64_t t0, int64_t t1, int64_t j0, int64_t j1) {
    for (int64_t t = t0; t < t1; ++t)
      read_tile(x_.source, grid_, t, 0, x_.source.depth, zeros_, in_ + (t - t0) * plan_.in_pitch, plan_.in_step);
    for (int xi = 0; xi < kTileAll; ++xi) multiply(xi, t1 - t0, j0, j1);
    for (int64_t t = t0; t < t1; ++t) write(t, out_ + (t - t0) * plan_.out_pitch, j0, j1);
  }

 private:
  void multiply(int xi, int64_t tiles, int64_t j0, int64_t j1) const {
    const float* in = in_ + xi * plan_.in_step;
    float* out = out_ + xi * plan_.out_step;
    const int64_t depth = x_.source.depth, width = 2 * L;
    for (int64_t i = 0; i < tiles; i += plan_.rows) {
      const int rows = static_cast<int>(min_of(plan_.rows, tiles - i));
      for (int64_t j = j0; j < j1; j += width) {
        const int vectors = static_cast<int>(ceil_div(min_of(width, j1 - j), L));
        Tile<float> t;
        t.k = depth;
        t.a = in + i * plan_.in_pitch, t.a_row = plan_.in_pitch, t.a_k = 1;
        t.b = u_ + xi * plane_ + j * depth, t.b_k = vectors * L;
        t.start = nullptr, t.start_row = 0;
        t.c = out + i * plan_.out_pitch + (j - j0), t.c_row = plan_.out_pitch;
        t.last = L;
        t.finish = nullptr;
        find_micro<float>(rows, vectors, false, false)(t);
      }
    }
  }

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
          float* to = x_.place(pixel + r * axis[2].count + c, j);
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
  const float* const u_;
  const int64_t plane_;
  const float* const zeros_;
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
  const int64_t depth = x.source.depth, width = 2 * L, strips = ceil_div(x.n, width);
  const int64_t plane = odd_lines(round_up(x.n, L) * depth);
  const Scratch u((kTileAll * plane + depth + L) * int64_t(sizeof(float)));
  float* const zeros = u.as<float>() + kTileAll * plane;
  std::memset(zeros, 0, static_cast<size_t>(depth + L) * sizeof(float));
  const int64_t pieces = ceil_div(depth, kSteps);
  parallel_range(strips * pieces, 4, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t j = task / pieces * width, k = task % pieces * kSteps;
      transform_kernel(x, k, min_of(kSteps, depth - k), j, min_of(width, x.n - j), u.as<float>() + j * depth, plane);
    }
  });
  const int64_t chunks = plan.blocks * plan.chunks_n;
  Slots<float> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<float>::kMost), chunks)), plan.in + plan.out);
  parallel_for(chunks, [&](int64_t chunk) {
    slots.with([&](float* scratch) {
      const int64_t t = chunk / plan.chunks_n * plan.block, j = chunk % plan.chunks_n * plan.chunk_n;
      WinogradBlock(x, grid, plan, u.as<float>(), plane, zeros, scratch)
          .run(t, min_of(t + plan.block, grid.tiles), j, min_of(j + plan.chunk_n, x.n));
    });
  });
}

}  // namespace KG_NS
