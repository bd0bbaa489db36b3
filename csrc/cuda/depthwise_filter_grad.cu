// The gradient of a depthwise convolution with respect to its kernel, channels last.
//
//   gk[t, c] = sum over n, o of gy[n, o, c] x[n, o stride + t dilation - before, c]
//
// x is (batch, size..., channels), gy (batch, count..., channels), gk (kernel..., channels). Summed in float for the half types; what
// lies outside x counts as 0.
//
// A unit of work is KG_W neighbouring columns of a row of gy. A block takes KG_V channels for each of 2^channel_lanes threads, KG_LINES
// lines of taps, and a stretch of units, which its threads walk side by side: a thread keeps the sums of all those taps in
// registers. Threads of the same channels are joined by shuffles and then warp by warp in shared memory; the sums of stretches, in
// partial, are joined by split_sums. Everything in a fixed order, cut by sizes alone, without atomic additions.
// Block: 256 threads. Grid: strips of channels * parts of the kernel * stretches. Shared memory: 8 * min(32, 2^channel_lanes) * KG_LINES *
// max(KG_TAPS, 1) * KG_V sums, at most 48 KB. Bytes at least: x and gy once; gy is read once for each part of the kernel.
// Defines: depthwise.cuh; KG_LINES. With KG_TAPS 0 a part is KG_LINES neighbouring taps of one line.
#include "depthwise.cuh"

namespace kg {

constexpr int kLines = K > 0 ? KG_LINES : 1, kTaps = K > 0 ? K : KG_LINES, kSums = kLines * kTaps;

struct Params {
  const T *x, *g;
  T* out;      // with one stretch, else
  A* partial;  // (stretches, taps, channels)
  int64_t channels;
  Window w;
  Index units, groups;           // groups of columns in a row of gy
  Index strips, parts, stretch;  // units of a stretch
  int32_t channel_lanes;
};

// Which taps a block has: lines first_line ... of the kernel, from tap first_tap on.
struct Part {
  int64_t line, tap;
};
KG_DEVICE Part part_of(const Params& p, int64_t part) {
  if (K > 0) return {part * kLines, 0};
  const int64_t pieces = (p.w.kernel[2] + kTaps - 1) / kTaps;
  return {part / pieces, part % pieces * kTaps};
}

// One unit: sum[t] += x columns times g columns, for one line of taps. first: the column of gy at g[0]; valid: how many there are.
KG_DEVICE void add_unit(const T* line, int64_t channels, const Dim& d, Index column, Index tap, int valid, const Vector (&g)[W],
                        Vector* sum) {
  if (K > 0) {
    constexpr int kColumns = (W - 1) * S + kTaps;
    const Index first = column * S - d.before;
    Raw x[kColumns];
    KG_UNROLL
    for (int i = 0; i < kColumns; ++i) {
      const bool inside = first + i >= 0 && first + i < d.size;
      x[i] = load_raw(line + (int64_t)(first + i) * channels, inside);
    }
    KG_UNROLL
    for (int j = 0; j < W; ++j) {
      if (j >= valid) continue;
      KG_UNROLL
      for (int t = 0; t < kTaps; ++t) add_product(sum[t], wide(x[j * S + t]), g[j]);
    }
  } else {
    KG_UNROLL
    for (int j = 0; j < W; ++j) {
      if (j >= valid) continue;
      KG_UNROLL
      for (int t = 0; t < kTaps; ++t) {
        Index at;
        if (tap + t < d.kernel && input_of(d, column + j, tap + t, at))
          add_product(sum[t], load_vector(line + (int64_t)at * channels), g[j]);
      }
    }
  }
}

KG_KERNEL(depthwise_filter_grad, Params, 256) {
  KG_DYNAMIC_SHARED(shared);
  const Dim dz = dim(p.w, 0), dy = dim(p.w, 1), dx = dim(p.w, 2);
  const int width = 1 << p.channel_lanes, lane = thread_index() >> p.channel_lanes, lanes = 256 >> p.channel_lanes;
  const Index block = (Index)blockIdx.x, rest = block / p.strips, strip = block - rest * p.strips, split = rest / p.parts;
  const Part part = part_of(p, rest - split * p.parts);
  const int64_t c = (((int64_t)strip << p.channel_lanes) + (thread_index() & (width - 1))) * V;
  const Index end = p.units - split * p.stretch < p.stretch ? p.units : (split + 1) * p.stretch;
  Vector sum[kSums];
  KG_UNROLL
  for (int k = 0; k < kSums; ++k) sum[k] = zero();
  if (c < p.channels)
    for (Index u = split * p.stretch + lane; u < end; u += lanes) {
      const Index row = u / p.groups, column = (u - row * p.groups) * W;
      const Index plane = row / dy.count, y = row - plane * dy.count, n = plane / dz.count, z = plane - n * dz.count;
      const int valid = dx.count - column < W ? (int)(dx.count - column) : W;
      const T* from = p.g + ((int64_t)row * dx.count + column) * p.channels + c;
      Vector g[W];
      KG_UNROLL
      for (int j = 0; j < W; ++j) g[j] = j < valid ? load_vector(from + j * p.channels) : zero();
      KG_UNROLL
      for (int l = 0; l < kLines; ++l) {
        const int64_t a = (part.line + l) / dy.kernel;
        Index in_z, in_y;
        if (a >= dz.kernel || !input_of(dz, z, (Index)a, in_z)) continue;
        if (!input_of(dy, y, (Index)(part.line + l - a * dy.kernel), in_y)) continue;
        const T* line = p.x + (((int64_t)n * dz.size + in_z) * dy.size + in_y) * dx.size * p.channels + c;
        add_unit(line, p.channels, dx, column, (Index)part.tap, valid, g, sum + l * kTaps);
      }
    }
  // Threads of one warp with the same channels; then warps, whose sums lie in room as (warp, sum, channel of the strip).
  for (int d = 16; d >= width; d /= 2) {
    KG_UNROLL
    for (int k = 0; k < kSums; ++k) {
      KG_UNROLL
      for (int i = 0; i < V; ++i) sum[k].at[i] += shuffle_xor(sum[k].at[i], d);
    }
  }
  A* room = reinterpret_cast<A*>(shared);
  const int together = width < 32 ? width : 32;  // threads of a warp that still have sums of their own
  const int strip_size = together * V, copy = kSums * strip_size;
  if (lane_index() < together) {
    KG_UNROLL
    for (int k = 0; k < kSums; ++k) {
      KG_UNROLL
      for (int i = 0; i < V; ++i) room[warp_index() * copy + k * strip_size + lane_index() * V + i] = sum[k].at[i];
    }
  }
  sync_block();
  for (int e = thread_index(); e < copy; e += 256) {
    const int k = e / strip_size;
    const int64_t channel = ((int64_t)strip << p.channel_lanes) * V + (e - k * strip_size);
    const int64_t line = part.line + k / kTaps, tap = part.tap + k % kTaps;
    if (channel >= p.channels || line >= p.w.kernel[0] * p.w.kernel[1] || tap >= p.w.kernel[2]) continue;
    A total = room[e];
    for (int w = 1; w < 8; ++w) total += room[w * copy + e];
    const int64_t at = (line * p.w.kernel[2] + tap) * p.channels + channel;
    if (p.out)
      p.out[at] = narrow<T>(total);
    else
      p.partial[split * p.w.kernel[0] * p.w.kernel[1] * p.w.kernel[2] * p.channels + at] = total;
  }
}

}  // namespace kg
