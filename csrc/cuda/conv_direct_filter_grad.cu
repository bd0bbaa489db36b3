// The gradient of a convolution of images with 1 to 4 channels with respect to its kernel.
//
//   dw[a, t, c, f] = sum over (n, r, o) of x[n, r stride + a - before_y, o KG_STRIDE + t - before_x, c] dy[n, r, o, f]
//
// Shapes as in conv_direct.cu, dy like y. Sums in float; what lies outside x is 0.
// A block takes a strip of 4 * KG_LANES filters and a stretch of tiles, whose pixels lie in shared memory. A warp has one part of the
// kernel, KG_LINES lines of taps; its threads hold the sums of that part for 4 filters in registers, and walk over groups of KG_P
// columns of dy, which the parts read at about the same time: from the first-level cache. Threads of the same filters are then joined by
// shuffles, warps of the same part in shared memory, stretches by split_sums: in a fixed order, cut by sizes alone.
// Block: a multiple of `parts` warps, up to 8. Grid: blocks that sum columns of dy (column_sums.cuh), strips * stretches. Shared memory: the lines of a tile, or KG_LINES taps channels 4 KG_LANES
// floats a warp. Bytes at least: x and dy once. Defines: conv_direct.cuh; KG_LINES.
#include "conv_direct.cuh"

namespace kg {

constexpr int kSums = KG_LINES * K * C;

// dy at P columns, 0 where there is none.
KG_DEVICE void load_columns(const Params& p, const T* from, int valid, int f, float (&g)[P][4]) {
  KG_UNROLL
  for (int j = 0; j < P; ++j) {
    Pack<T, 4> raw;
    KG_UNROLL
    for (int i = 0; i < 4; ++i) raw.at[i] = T{};
    const T* at = from + (int64_t)j * p.filters;
    if (j < valid) {
      if (p.packed) {
        raw = *reinterpret_cast<const Pack<T, 4>*>(at);
      } else {
        KG_UNROLL
        for (int i = 0; i < 4; ++i)
          if (f + i < p.filters) raw.at[i] = at[i];
      }
    }
    KG_UNROLL
    for (int i = 0; i < 4; ++i) g[j][i] = widen(raw.at[i]);
  }
}

// sum += the pixels of a line times columns of dy.
KG_DEVICE void add_line(const float* from, int valid, const float (&g)[P][4], float (*sum)[4]) {
  KG_UNROLL
  for (int q = 0; q < kRun; q += 4) {
    const Pack<float, 4> x = four(from + q);
    KG_UNROLL
    for (int e = 0; e < 4; ++e) {
      const int pixel = (q + e) / C, c = (q + e) % C;
      KG_UNROLL
      for (int j = 0; j < P; ++j) {
        const int t = pixel - j * S;
        if (t < 0 || t >= K || j >= valid) continue;
        KG_UNROLL
        for (int i = 0; i < 4; ++i) sum[t * C + c][i] = ::fmaf(x.at[e], g[j][i], sum[t * C + c][i]);
      }
    }
  }
}

KG_KERNEL(conv_direct_filter_grad, Params, 256) {
  KG_DYNAMIC_SHARED(shared);
  float* room = reinterpret_cast<float*>(shared);
  int block = (int)blockIdx.x;
#if KG_SUMS
  if (block < p.sums.blocks) return sum_columns<false>(p.sums, block, room);
  block -= p.sums.blocks;
#endif
  const int strip = block % p.strips, split = block / p.strips;
  const int warps = (int)blockDim.x / 32, part = warp_index() % p.parts, sub = warp_index() / p.parts;
  const int lane = lane_index() % kLanes, f = strip * kFilters + 4 * lane;
  const int first = sub * (32 / kLanes) + lane_index() / kLanes, step = warps / p.parts * (32 / kLanes);
  const int end = p.tiles - split * p.stretch < p.stretch ? p.tiles : (split + 1) * p.stretch;
  float sum[kSums][4];
  KG_UNROLL
  for (int k = 0; k < kSums; ++k) {
    KG_UNROLL
    for (int i = 0; i < 4; ++i) sum[k][i] = 0;
  }
  for (int tile = split * p.stretch; tile < end; ++tile) {
    const Place at = place_of(p, tile);
    sync_block();  // the tile before is no longer read
    stage(p, at, room);
    sync_block();
    KG_LOOP
    for (int group = first; group < p.rows * p.groups; group += step) {
      const int down = group / p.groups, across = (group - down * p.groups) * P;
      const int row = at.row + down, column = at.column + across;
      if (row >= p.out_height || column >= p.out_width || f >= p.filters) continue;
      const int valid = p.out_width - column < P ? p.out_width - column : P;
      float g[P][4];
      load_columns(p, p.w + (((int64_t)at.n * p.out_height + row) * p.out_width + column) * p.filters + f, valid, f, g);
      KG_UNROLL
      for (int l = 0; l < KG_LINES; ++l) {
        const int a = part * KG_LINES + l;
        if (a < p.lines) add_line(room + (down * p.stride + a) * p.line + across * (S * C), valid, g, sum + l * (K * C));
      }
    }
  }
  KG_UNROLL
  for (int d = 16; d >= kLanes; d /= 2) {
    KG_UNROLL
    for (int k = 0; k < kSums; ++k) {
      KG_UNROLL
      for (int i = 0; i < 4; ++i) sum[k][i] += shuffle_xor(sum[k][i], d);
    }
  }
  sync_block();  // pixels are no longer read
  constexpr int kCopy = kSums * kFilters;
  if (lane_index() < kLanes) {
    KG_UNROLL
    for (int k = 0; k < kSums; ++k) {
      KG_UNROLL
      for (int i = 0; i < 4; ++i) room[warp_index() * kCopy + k * kFilters + 4 * lane + i] = sum[k][i];
    }
  }
  sync_block();
  const int depth = p.lines * K * C;
  for (int e = thread_index(); e < p.parts * kCopy; e += (int)blockDim.x) {
    const int k = e / kFilters % kSums, row = e / kCopy * kSums + k, filter = strip * kFilters + e % kFilters;
    if (row >= depth || filter >= p.filters) continue;
    float total = room[e];
    for (int w = p.parts; w < warps; w += p.parts) total += room[w * kCopy + e];
    const int64_t to = (int64_t)row * p.filters + filter;
    if (p.y)
      p.y[to] = narrow<T>(total);
    else
      p.partial[(int64_t)split * depth * p.filters + to] = total;
  }
}

}  // namespace kg
