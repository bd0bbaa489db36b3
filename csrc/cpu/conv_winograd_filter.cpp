// The gradient of a 3x3 kernel by Winograd's method; see conv_winograd.h.
//
// dw = A' [sum over tiles of (B' x B) . (G dy G')] A, with 6x6 tiles of x and 4x4 tiles of dy: 36 products in place of 144. The sums of
// the 36 matrices (channels, filters) are made block by block and slice by slice of the tiles, as in conv_filter_grad.cpp, and
// transformed back once at the end.
#include "conv_winograd.h"

namespace KG_NS {
namespace {

constexpr int L = kLanes;
constexpr int64_t kSide = 64;  // channels, and filters, of a block at most
constexpr int64_t kTilesAtOnce = 42;
constexpr int64_t kMostSums = 3 << 20;  // elements of all slices together, unless there is but one

struct GradientPlan {
  int rows;              // of a tile of the products
  int64_t down, across;  // channels and filters of a block
  int64_t blocks_down, blocks_across;
  int64_t slice, slices;        // tiles of a slice, and how many
  int64_t in_pitch, out_pitch;  // of the transformed tiles of x and dy
  int64_t in_step, out_step;    // from one of the 36 matrices to the next
  int64_t matrix;               // elements of one of the 36 sums
  int64_t sums() const { return kTileAll * matrix; }
};

GradientPlan make_plan(int64_t depth, int64_t n, int64_t tiles) {
  GradientPlan p;
  const int64_t most = rows_for(2);
  p.blocks_down = ceil_div(depth, kSide), p.blocks_across = ceil_div(n, kSide);
  p.down = round_up(ceil_div(depth, p.blocks_down), L), p.across = round_up(ceil_div(n, p.blocks_across), L);
  p.blocks_down = ceil_div(depth, p.down), p.blocks_across = ceil_div(n, p.across);
  p.rows = static_cast<int>(ceil_div(p.down, ceil_div(p.down, most)));
  p.in_pitch = odd_lines(p.down), p.out_pitch = odd_lines(p.across);
  p.in_step = odd_lines(kTilesAtOnce * p.in_pitch), p.out_step = odd_lines(kTilesAtOnce * p.out_pitch);
  p.matrix = round_up(p.down, p.rows) * round_up(p.across, 2 * L);
  const int64_t blocks = p.blocks_down * p.blocks_across;
  p.slices = min_of(ceil_div(16, blocks), min_of(ceil_div(tiles, 2 * kTilesAtOnce), kMostSums / (blocks * p.sums())));
  p.slice = round_up(ceil_div(tiles, std::max<int64_t>(1, p.slices)), kTilesAtOnce);
  p.slices = ceil_div(tiles, p.slice);
  return p;
}

// G dy G' of filters j0..j1 of tile t. zeros: j1 of them.
void read_gradient(const Source<float>& s, const TileGrid& grid, const float* dy, int64_t filters, int64_t t, int64_t j0,
                   int64_t j1, const float* zeros, float* to, int64_t step) {
  const int64_t high = s.axis[1].count, wide = s.axis[2].count;
  const TilePixels<kTileOut> tile(dy + grid.image(t) * high * wide * filters, high, wide, filters, grid.y(t), grid.x(t), zeros);
  tile.prefetch_below(j0, j1);
  each_channels(j0, j1, [&](int64_t j, auto read) {
    vf half[kTile * kTileOut];
    tile.columns(j, read, [&](int c, const vf* d) { winograd_gradient(d, half + c, kTileOut); });
    for (int r = 0; r < kTile; ++r) {
      vf all[kTile];
      winograd_gradient(half + kTileOut * r, all, 1);
#pragma GCC unroll 6
      for (int c = 0; c < kTile; ++c) vstore(to + (kTile * r + c) * step + (j - j0), all[c]);
    }
  });
}

}  // namespace

bool winograd_gradient_pays(const Source<float>& x, int64_t n) {
  if (!plain_3x3(x) || x.depth < 12 || n < 12) return false;
  const double c = static_cast<double>(x.depth), f = static_cast<double>(round_up(n, 16));
  const double tiles = static_cast<double>(TileGrid(x).tiles);
  const double again_c = static_cast<double>(ceil_div(n, kSide)), again_f = static_cast<double>(ceil_div(x.depth, kSide));
  // Cycles of a core with a vector of 16: the products, the transforms of tiles, the sums.
  const double products = tiles * (36 * c * f / 16 + 12 * c * again_c + 10 * f * again_f);
  const double sums = (tiles / kTilesAtOnce * 10 + 36 * c * f * 4 > 4e6 ? 60 : 30) * c * f;
  return products + sums < 0.85 * static_cast<double>(x.positions()) * 9 * c * f / 16;
}

void run_winograd_gradient(const Source<float>& x, const float* dy, int64_t filters, int64_t n, float* dw) {
  const TileGrid grid(x);
  const GradientPlan plan = make_plan(x.depth, n, grid.tiles);
  const int64_t blocks = plan.blocks_down * plan.blocks_across, chunks = blocks * plan.slices, width = 2 * L;
  const Scratch memory((chunks * plan.sums() + round_up(std::max(x.depth, n) + L, 16)) * int64_t(sizeof(float)));
  float* const partial = memory.as<float>();
  float* const zeros = partial + chunks * plan.sums();
  std::memset(zeros, 0, static_cast<size_t>(std::max(x.depth, n)) * sizeof(float));
  Slots<float> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<float>::kMost), chunks)),
                     kTileAll * (plan.in_step + plan.out_step));
  parallel_for(chunks, [&](int64_t chunk) {
    const int64_t block = chunk / plan.slices, slice = chunk % plan.slices;
    const int64_t k0 = block / plan.blocks_across * plan.down, k1 = min_of(x.depth, k0 + plan.down);
    const int64_t j0 = block % plan.blocks_across * plan.across, j1 = min_of(n, j0 + plan.across);
    const int64_t begin = slice * plan.slice, end = min_of(grid.tiles, begin + plan.slice);
    float* const sums = partial + chunk * plan.sums();
    slots.with([&](float* scratch) {
      float *const in = scratch, *const out = scratch + kTileAll * plan.in_step;
      for (int64_t t0 = begin; t0 < end; t0 += kTilesAtOnce) {
        const int64_t tiles = min_of(kTilesAtOnce, end - t0);
        for (int64_t t = 0; t < tiles; ++t) {
          read_tile(x, grid, t0 + t, k0, k1, zeros, in + t * plan.in_pitch, plan.in_step);
          read_gradient(x, grid, dy, filters, t0 + t, j0, j1, zeros, out + t * plan.out_pitch, plan.out_step);
        }
        for (int xi = 0; xi < kTileAll; ++xi)
          for (int64_t k = k0; k < k1; k += plan.rows)
            for (int64_t j = j0; j < j1; j += width) {
              const int vectors = static_cast<int>(ceil_div(min_of(width, j1 - j), L));
              float* sum = sums + xi * plan.matrix + (k - k0) * round_up(plan.across, width) + (j - j0) * plan.rows;
              Tile<float> tile;
              tile.k = tiles;
              tile.a = in + xi * plan.in_step + (k - k0), tile.a_row = 1, tile.a_k = plan.in_pitch;
              tile.b = out + xi * plan.out_step + (j - j0), tile.b_k = plan.out_pitch;
              tile.start = t0 == begin ? nullptr : sum, tile.start_row = width;
              tile.c = sum, tile.c_row = width;
              tile.last = L;
              tile.finish = nullptr;
              find_micro<float>(static_cast<int>(min_of(plan.rows, k1 - k)), vectors, true, false)(tile);
            }
      }
    });
  });
  // Adds up the slices and transforms the sums back, a channel at a time.
  parallel_range(x.depth, 4, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k)
      for (int64_t j = 0; j < n; j += L) {
        const int64_t down = k / plan.down, across = j / plan.across, i = k - down * plan.down, q = j - across * plan.across;
        const int64_t at = (i / plan.rows * plan.rows) * round_up(plan.across, width) + q / width * width * plan.rows +
                           i % plan.rows * width + q % width;
        const float* sum = partial + (down * plan.blocks_across + across) * plan.slices * plan.sums() + at;
        vf m[kTileAll], half[3 * kTile], taps[9];
        for (int xi = 0; xi < kTileAll; ++xi) {
          m[xi] = vload(sum + xi * plan.matrix);
          for (int64_t s = 1; s < plan.slices; ++s) m[xi] += vload(sum + s * plan.sums() + xi * plan.matrix);
        }
        for (int c = 0; c < kTile; ++c) {
          const vf column[kTile] = {m[c], m[6 + c], m[12 + c], m[18 + c], m[24 + c], m[30 + c]};
          winograd_taps(column, half + c, kTile);
        }
        for (int r = 0; r < 3; ++r) winograd_taps(half + kTile * r, taps + 3 * r, 1);
        const Mask<float> mask(min_of(L, n - j));
        for (int tap = 0; tap < 9; ++tap) mask.store(dw + (tap * x.depth + k) * filters + j, taps[tap]);
      }
  });
}

}  // namespace KG_NS
