// Depthwise convolution, each channel by itself, and its gradient with respect to the input, channels last.
//
//   depthwise_conv        y[n, o, c]  = act(sum over t of x[n, o stride + t dilation - before, c] k[t, c] + bias[c])
//   depthwise_input_grad  gx[n, i, c] = sum over the (o, t) with o stride + t dilation - before = i of gy[n, o, c] k[t, c]
//
// x is (batch, size..., channels), k (kernel..., channels), y (batch, count..., channels). Sums run over lines of taps upwards, within
// a line over the columns of the source upwards, in float for the half types; what lies outside the source counts as 0.
//
// A thread makes KG_W neighbouring columns of a row, KG_V channels of each. For a line of taps it keeps the weights and the columns of the
// source that its own columns see in registers, so each of them is read once. Neighbouring threads have neighbouring channels,
// then neighbouring columns, then rows: what rows share comes from the first-level cache.
// Block: 256 threads, channel_lanes * column_lanes * row_lanes of them (powers of two). Grid: a tile each, with a stride of the whole grid.
// No shared memory. Bytes at least: x and y once, (batch (size + count) channels) elements; a tile's border of rows is read twice.
// Defines: depthwise.cuh, KG_GRAD 0 or 1.
#include "depthwise.cuh"

namespace kg {

struct Params {
  const T *x, *k, *bias;
  T* y;
  int64_t channels;
  Window w;
  Index rows;                                      // of the result: batch * dim 0 * dim 1
  Index strips, groups, tiles;                     // tiles: strips of channels * blocks' groups of columns * blocks' rows
  int32_t channel_lanes, column_lanes, row_lanes;  // logarithms
  int32_t relu;
};

// How the source is met, from a result's side.
KG_DEVICE bool source_of(const Dim& d, Index at, Index tap, Index& source) {
  return KG_GRAD ? output_of(d, at, tap, source) : input_of(d, at, tap, source);
}

struct Item {
  int64_t c;         // channel
  Index row, group;  // of the result; group: of KG_W columns
  bool real;
};
KG_DEVICE Item item_of(const Params& p, Index tile) {
  const int t = thread_index();
  const Index rest = tile / p.strips, strip = tile - rest * p.strips, down = rest / p.groups, across = rest - down * p.groups;
  Item i;
  i.c = (((int64_t)strip << p.channel_lanes) + (t & ((1 << p.channel_lanes) - 1))) * V;
  i.group = (across << p.column_lanes) + (t >> p.channel_lanes & ((1 << p.column_lanes) - 1));
  i.row = (down << p.row_lanes) + (t >> (p.channel_lanes + p.column_lanes));
  i.real = i.c < p.channels && i.row < p.rows;
  return i;
}

// sum[j] += a line of the source times a line of taps; first: column of the source that the thread's columns see first.
KG_DEVICE void add_line(const T* line, const T* weights, int64_t channels, Index first, Index width, Vector (&sum)[W]) {
  constexpr int kAhead = KG_GRAD && K > 0 ? (K - 1) / S : 0;
  constexpr int kColumns = KG_GRAD ? W / S + kAhead : (W - 1) * S + K;
  Vector w[K > 0 ? K : 1];
  Raw x[kColumns > 0 ? kColumns : 1];
  KG_UNROLL
  for (int t = 0; t < K; ++t) w[t] = load_vector(weights + t * channels);
  KG_UNROLL
  for (int i = 0; i < kColumns; ++i) {
    const bool inside = first + i >= 0 && first + i < width;
    x[i] = load_raw(line + (int64_t)(first + i) * channels, inside);
  }
  KG_UNROLL
  for (int i = 0; i < kColumns; ++i) {
    const Vector v = wide(x[i]);
    KG_UNROLL
    for (int t = 0; t < K; ++t) {
      const int j = KG_GRAD ? (i - kAhead) * S + t : (i - t) / S;
      if (KG_GRAD ? j >= 0 && j < W : i >= t && (i - t) % S == 0 && j < W) add_product(sum[j], v, w[t]);
    }
  }
}

// The same for any window, tap by tap.
KG_DEVICE void add_taps(const T* line, const T* weights, int64_t channels, Index first, const Dim& d, Vector (&sum)[W]) {
  for (Index k = 0; k < d.kernel; ++k) {
    const Index t = KG_GRAD ? d.kernel - 1 - k : k;
    const Vector w = load_vector(weights + (int64_t)t * channels);
    KG_UNROLL
    for (int j = 0; j < W; ++j) {
      Index at;
      if (source_of(d, first + j, t, at)) add_product(sum[j], load_vector(line + (int64_t)at * channels), w);
    }
  }
}

KG_KERNEL_MANY(depthwise, Params, 256, 2) {
  const Dim dz = dim(p.w, 0), dy = dim(p.w, 1), dx = dim(p.w, 2);
  const Index rows = KG_GRAD ? dy.size : dy.count, planes = KG_GRAD ? dz.size : dz.count;
  const Index height = KG_GRAD ? dy.count : dy.size, depth = KG_GRAD ? dz.count : dz.size;
  const Index width = KG_GRAD ? dx.count : dx.size, out_width = KG_GRAD ? dx.size : dx.count;
  for (Index tile = (Index)blockIdx.x; tile < p.tiles; tile += (Index)gridDim.x) {
    const Item own = item_of(p, tile);
    if (!own.real) continue;
    const Index plane = own.row / rows, y = own.row - plane * rows, n = plane / planes, z = plane - n * planes;
    // Column 0 of this thread in the result, and the column of the source that it sees first.
    Index column = own.group * W, first = column * dx.stride - dx.before;
    if (KG_GRAD && K > 0) {
      first = dx.before / S + own.group * (W / S);
      column = first * S - dx.before;
      first -= (K - 1) / S;
    }
    if (column >= out_width) continue;
    Vector sum[W];
    KG_UNROLL
    for (int j = 0; j < W; ++j) sum[j] = zero();
    for (Index a = 0; a < dz.kernel; ++a) {
      Index in_z, in_y;
      if (!source_of(dz, z, a, in_z)) continue;
      for (Index b = 0; b < dy.kernel; ++b) {
        if (!source_of(dy, y, b, in_y)) continue;
        const T* line = p.x + (((int64_t)n * depth + in_z) * height + in_y) * width * p.channels + own.c;
        const T* weights = p.k + ((int64_t)a * dy.kernel + b) * dx.kernel * p.channels + own.c;
        if (K > 0)
          add_line(line, weights, p.channels, first, width, sum);
        else
          add_taps(line, weights, p.channels, column, dx, sum);
      }
    }
    const Vector bias = p.bias ? load_vector(p.bias + own.c) : zero();
    T* out = p.y + (int64_t)own.row * out_width * p.channels + own.c;
    KG_UNROLL
    for (int j = 0; j < W; ++j) {
      if (column + j < 0 || column + j >= out_width) continue;
      KG_UNROLL
      for (int c = 0; c < V; ++c) {
        if (p.bias) sum[j].at[c] += bias.at[c];
        if (p.relu && sum[j].at[c] < 0) sum[j].at[c] = 0;
      }
      store_vector(out + (int64_t)(column + j) * p.channels, sum[j]);
    }
  }
}

}  // namespace kg
