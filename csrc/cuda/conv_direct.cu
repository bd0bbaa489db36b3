// Convolution of images with 1 to 4 channels, without tiles of matrices, whose rows would be gathered value by value.
//
//   y[n, r, o, f] = act(sum over (a, t, c) x[n, r stride + a - before_y, o KG_STRIDE + t - before_x, c] w[a, t, c, f] + bias[f])
//
// x is (batch, height, width, channels), w (lines, taps, channels, filters), y (batch, out_height, out_width, filters). Sums in float, in the
// order of (a, t, c). What lies outside x is 0.
// A block keeps the weights of a strip of 4 * KG_LANES filters in shared memory and walks over tiles of the result. A thread makes KG_P
// columns of 4 filters: for a line of taps it holds the pixels that its columns see in registers and meets each weight once.
// Block: 256 threads, KG_LANES along filters, then groups of columns, then rows. Grid: strips * blocks, each with a stride of all blocks.
// Shared memory: (lines taps channels 4 KG_LANES + lines of a tile * p.line) floats. Bytes at least: x and y once. Defines: conv_direct.cuh.
#include "conv_direct.cuh"

namespace kg {

KG_KERNEL_MANY(conv_direct, Params, 256, 2) {
  KG_DYNAMIC_SHARED(shared);
  float* filter = reinterpret_cast<float*>(shared);
  const int depth = p.lines * K * C, strip = (int)blockIdx.x % p.strips;
  float* room = filter + depth * kFilters;
  for (int e = thread_index(); e < depth * kFilters; e += 256) {
    const int row = e / kFilters, f = strip * kFilters + e % kFilters;
    filter[e] = f < p.filters ? widen(p.w[(int64_t)row * p.filters + f]) : 0.0f;
  }
  const int lane = thread_index() % kLanes, f = strip * kFilters + 4 * lane, group = thread_index() / kLanes;
  const int down = group / p.groups, across = (group - down * p.groups) * P;
  float bias[4];
  KG_UNROLL
  for (int i = 0; i < 4; ++i) bias[i] = p.bias && f + i < p.filters ? widen(p.bias[f + i]) : 0.0f;
  for (int tile = (int)blockIdx.x / p.strips; tile < p.tiles; tile += (int)gridDim.x / p.strips) {
    const Place at = place_of(p, tile);
    sync_block();  // the tile before is no longer read
    stage(p, at, room);
    sync_block();
    float sum[P][4];
    KG_UNROLL
    for (int j = 0; j < P; ++j) {
      KG_UNROLL
      for (int i = 0; i < 4; ++i) sum[j][i] = 0;
    }
    KG_LOOP
    for (int a = 0; a < p.lines; ++a) {
      const float* from = room + (down * p.stride + a) * p.line + across * (S * C);
      const float* weights = filter + a * (K * C * kFilters) + 4 * lane;
      float x[kRun];
      KG_UNROLL
      for (int q = 0; q < kRun; q += 4) {
        const Pack<float, 4> v = four(from + q);
        KG_UNROLL
        for (int i = 0; i < 4; ++i) x[q + i] = v.at[i];
      }
      KG_UNROLL
      for (int k = 0; k < K * C; ++k) {
        const Pack<float, 4> w = four(weights + k * kFilters);
        KG_UNROLL
        for (int j = 0; j < P; ++j) {
          KG_UNROLL
          for (int i = 0; i < 4; ++i) sum[j][i] = ::fmaf(x[j * S * C + k], w.at[i], sum[j][i]);
        }
      }
    }
    const int row = at.row + down, column = at.column + across;
    if (row >= p.out_height || f >= p.filters) continue;
    T* to = p.y + (((int64_t)at.n * p.out_height + row) * p.out_width + column) * p.filters + f;
    KG_UNROLL
    for (int j = 0; j < P; ++j) {
      if (column + j >= p.out_width) continue;
      Pack<T, 4> out;
      KG_UNROLL
      for (int i = 0; i < 4; ++i) {
        float v = p.bias ? sum[j][i] + bias[i] : sum[j][i];
        if (p.relu && v < 0) v = 0;
        out.at[i] = narrow<T>(v);
        if (!p.packed && f + i < p.filters) to[(int64_t)j * p.filters + i] = out.at[i];
      }
      if (p.packed) *reinterpret_cast<Pack<T, 4>*>(to + (int64_t)j * p.filters) = out;
    }
  }
}

}  // namespace kg
