// The other way around with Winograd's tiles: each 4x4 tile of the source is spread over the 6x6 results that see it; see conv_winograd.h.
//
// The transpose of y = A' [U . (B' x B)] A is dx = B [U . (A dy A')] B', added up where tiles overlap. Where the result is larger than
// the source, as in the gradient of a convolution without padding, there are fewer such tiles than tiles of the result: 3 x 3 for
// 11 x 11 -> 13 x 13, in place of 4 x 4. All tiles of an image belong to one chunk, which adds them up in order.
#include "conv_winograd_product.h"

namespace KG_NS {
namespace {

constexpr int L = kLanes;

// A d for one column of a tile.
template <class V> inline __attribute__((always_inline)) void winograd_spread(const V* d, V* to, int step) {
  const V even = d[0] + d[2], odd = d[1] + d[3];
  to[0] = d[0];
  to[step] = even + odd;
  to[2 * step] = even - odd;
  to[3 * step] = fma(broadcast(0.125f), d[3], fma(broadcast(0.25f), d[2], fma(broadcast(0.5f), d[1], d[0])));
  to[4 * step] = fma(broadcast(-8.0f), d[3], fma(broadcast(4.0f), d[2], fma(broadcast(-2.0f), d[1], d[0])));
  to[5 * step] = d[3];
}

// B m.
template <class V> inline __attribute__((always_inline)) void winograd_results(const V* m, V* to, int step) {
  to[0] = m[0];
  to[step] = fma(broadcast(-1.5f), m[0], m[2] - m[1]) + fma(broadcast(0.5f), m[4], fma(broadcast(-2.0f), m[3], m[5]));
  to[2 * step] = fma(broadcast(-2.0f), m[0], fma(broadcast(0.5f), m[1], broadcast(-2.5f) * m[2])) -
                 fma(broadcast(1.5f), m[5], m[3] + m[4]);
  to[3 * step] = fma(broadcast(1.5f), m[0], fma(broadcast(2.5f), m[1], broadcast(0.5f) * m[2])) +
                 fma(broadcast(2.0f), m[3] - m[5], broadcast(-0.5f) * m[4]);
  to[4 * step] = (m[0] + m[1]) + (m[2] + m[3]) + fma(broadcast(1.5f), m[5], m[4]);
  to[5 * step] = m[5];
}

// The tiles of the images of a source, and how many images are worked on at a time.
struct Grid {
  int64_t down, across, tiles;  // of an image
  explicit Grid(const Source<float>& s)
      : down(ceil_div(s.axis[1].size, kTileOut)), across(ceil_div(s.axis[2].size, kTileOut)), tiles(down * across) {}
};

WinogradPlan make_plan(const ConvProduct<float, float>& x, const Grid& grid) {
  const int64_t depth = x.source.depth, most = rows_for(2);
  WinogradPlan p;
  p.chunk_n = min_of(round_up(x.n, 2 * L), 256);
  const int64_t fits = (1 << 17) / (kTileAll * (depth + p.chunk_n));
  p.block = std::max<int64_t>(2, min_of(8, fits / most)) * most;
  // Whole images: several, or a part of one after another.
  if (grid.tiles > p.block)
    p.block = ceil_div(grid.tiles, ceil_div(grid.tiles, p.block));
  else
    p.block = p.block / grid.tiles * grid.tiles;
  p.blocks = ceil_div(x.source.batch, std::max<int64_t>(1, p.block / grid.tiles));
  while (p.chunk_n > 2 * L && p.blocks * ceil_div(x.n, p.chunk_n) < 8) p.chunk_n = round_up(p.chunk_n / 2, 2 * L);
  p.chunks_n = ceil_div(x.n, p.chunk_n);
  p.lay_out(depth);
  return p;
}

class SpreadBlock {
 public:
  SpreadBlock(const ConvProduct<float, float>& x, const Grid& grid, const WinogradPlan& plan, const WinogradKernel& kernel,
              float* scratch)
      : x_(x), grid_(grid), plan_(plan), kernel_(kernel), in_(scratch), out_(scratch + plan.in) {}

  // Tiles t0..t1 of all images together, outputs j0..j1.
  void run(int64_t t0, int64_t t1, int64_t j0, int64_t j1) {
    for (int64_t t = t0; t < t1; ++t) read(t, in_ + (t - t0) * plan_.in_pitch);
    plan_.multiply(in_, kernel_, x_.source.depth, t1 - t0, j0, j1, out_);
    for (int64_t t = t0; t < t1; ++t) add(t, out_ + (t - t0) * plan_.out_pitch, j0, j1);
  }

  // Bias and activation of finished images.
  void finish(int64_t image0, int64_t image1, int64_t j0, int64_t j1) const {
    const int64_t pixels = x_.source.axis[1].count * x_.source.axis[2].count;
    for (int64_t pixel = image0 * pixels; pixel < image1 * pixels; ++pixel)
      for (int64_t j = j0; j < j1; j += L) {
        const Mask<float> mask(min_of(L, j1 - j));
        float* to = x_.place(pixel, j);
        vf y = mask.load(to);
        if (x_.bias) y = y + mask.load(x_.bias + j);
        if (x_.relu) y = relu_of(y);
        if (x_.relu_output) y = relu_grad_of(y, mask.load(x_.relu_output + x_.offset(pixel, j)));
        mask.store(to, y);
      }
  }

 private:
  // A dy A' of tile t.
  void read(int64_t t, float* to) const {
    const Source<float>& s = x_.source;
    const int64_t image = t / grid_.tiles, y0 = t % grid_.tiles / grid_.across * kTileOut, x0 = t % grid_.across * kTileOut;
    const int64_t high = s.axis[1].size, wide = s.axis[2].size;
    const TilePixels<kTileOut> tile(s.data + image * high * wide * s.pitch + s.channel, high, wide, s.pitch, y0, x0,
                                    kernel_.zeros());
    tile.prefetch_below(0, s.depth);
    each_channels(0, s.depth, [&](int64_t k, auto read) {
      vf half[kTile * kTileOut];
      tile.columns(k, read, [&](int c, const vf* d) { winograd_spread(d, half + c, kTileOut); });
      for (int r = 0; r < kTile; ++r) {
        vf all[kTile];
        winograd_spread(half + kTileOut * r, all, 1);
#pragma GCC unroll 6
        for (int c = 0; c < kTile; ++c) vstore(to + (kTile * r + c) * plan_.in_step + k, all[c]);
      }
    });
  }

  // Transforms the sums of tile t back and adds them to what the tiles above and to the left have put there.
  void add(int64_t t, const float* from, int64_t j0, int64_t j1) const {
    const Axis* axis = x_.source.axis;
    const int64_t image = t / grid_.tiles, down = t % grid_.tiles / grid_.across, across = t % grid_.across;
    const int64_t y0 = down * kTileOut - axis[1].first - 2, x0 = across * kTileOut - axis[2].first - 2;
    const int top = static_cast<int>(y0 < 0 ? -y0 : 0), left = static_cast<int>(x0 < 0 ? -x0 : 0);
    const int bottom = static_cast<int>(min_of(kTile, axis[1].count - y0)),
              right = static_cast<int>(min_of(kTile, axis[2].count - x0));
    for (int64_t j = j0; j < j1; j += L) {
      const int64_t columns = min_of(L, j1 - j);
      const Mask<float> mask(columns);
      vf half[kTileAll];
      for (int c = 0; c < kTile; ++c) {
        vf m[kTile];
#pragma GCC unroll 6
        for (int r = 0; r < kTile; ++r) m[r] = vload(from + (kTile * r + c) * plan_.out_step + (j - j0));
        winograd_results(m, half + c, kTile);
      }
      for (int r = top; r < bottom; ++r) {
        vf all[kTile];
        winograd_results(half + kTile * r, all, 1);
        const bool above = r < 2 && down > 0;
        for (int c = left; c < right; ++c) {
          float* to = x_.place((image * axis[1].count + y0 + r) * axis[2].count + x0 + c, j);
          const bool more = above || (c < 2 && across > 0);
          if (columns == L)
            vstore(to, more ? vload(to) + all[c] : all[c]);
          else
            mask.store(to, more ? mask.load(to) + all[c] : all[c]);
        }
      }
    }
  }

  const ConvProduct<float, float>& x_;
  const Grid& grid_;
  const WinogradPlan& plan_;
  const WinogradKernel& kernel_;
  float* const in_;
  float* const out_;
};

}  // namespace

bool winograd_back_pays(const ConvProduct<float, float>& x) {
  const Source<float>& s = x.source;
  if (s.batch < 4 || !winograd_pays(x)) return false;
  for (int a = 1; a < 3; ++a)  // every result sees the source
    if (s.axis[a].first < -2 || s.axis[a].first + s.axis[a].count > s.axis[a].size) return false;
  // As in winograd_pays; a tile of results is read and written again.
  const double c = static_cast<double>(round_up(s.depth, 4)), n = static_cast<double>(round_up(x.n, 16));
  const double products = 36 * c * n / 16, tiles = static_cast<double>(s.batch * Grid(s).tiles);
  return tiles * (products + 10 * c + 14 * n) < static_cast<double>(TileGrid(s).tiles) * (products + 12 * c + 8 * n);
}

void run_winograd_back(const ConvProduct<float, float>& x) {
  const Grid grid(x.source);
  const WinogradPlan plan = make_plan(x, grid);
  const WinogradKernel kernel(x, true);
  const int64_t images = std::max<int64_t>(1, plan.block / grid.tiles), chunks = plan.blocks * plan.chunks_n;
  Slots<float> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<float>::kMost), chunks)), plan.in + plan.out);
  parallel_for(chunks, [&](int64_t chunk) {
    slots.with([&](float* scratch) {
      const int64_t image = chunk / plan.chunks_n * images, j = chunk % plan.chunks_n * plan.chunk_n;
      const int64_t last = min_of(image + images, x.source.batch), end = last * grid.tiles, j1 = min_of(j + plan.chunk_n, x.n);
      SpreadBlock block(x, grid, plan, kernel, scratch);
      for (int64_t t = image * grid.tiles; t < end; t += plan.block) block.run(t, min_of(t + plan.block, end), j, j1);
      if (x.bias || x.relu || x.relu_output) block.finish(image, last, j, j1);
    });
  });
}

}  // namespace KG_NS
