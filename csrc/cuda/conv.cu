// Convolution, channels last, over 1 to 3 spatial dims, as products of matrices that are gathered while they are copied to shared
// memory (implicit GEMM); the loops are those of gemm_mma.cuh and gemm_simt.cuh. One group of channels at a time:
//
//   conv              y[pos, f]  = act(sum over (t, c) x[pos * stride + t * dilation - before, c] w[t, c, f] + bias[f])
//   conv_input_grad   dx[h, c]   = act(sum over (t, f) dy[(h + before - t * dilation) / stride, f] w[t, c, f] + bias[c]), t where that
//                                  divides: pixels h with one remainder by the stride are one View (conv_source.cuh); act may be
//                                  relu_grad, which keeps what is where mask[h, c] > 0 and puts 0 elsewhere
//   conv_filter_grad  dw[(t, c), f] = sum over pos of x[pos * stride + t * dilation - before, c] dy[pos, f]; pos is cut into stretches,
//                                  whose sums gemm_join adds up in order
//
// x is (batch, size..., channels), w (kernel..., channels / groups, filters), y (batch, count..., filters).
// With KG_SUMS conv_filter_grad also sums the columns of dy (column_sums.cuh).
// Grid: x blocks that sum and tiles, y stretches of k, z groups * views (walked with a stride when there are more than 65535). Blocks of a view that has
// fewer tiles than the largest end at once. Block and shared memory: gemm_mma.cuh, gemm_simt.cuh.
// Defines: gemm_tile.cuh, conv_source.cuh, KG_PART 0, 1, 2 for the three above.
#include "gemm_tile.cuh"
#include "conv_source.cuh"

namespace kg {

constexpr int kMostViews = 8;

struct Params {
  const T *image, *other;  // x or dy; w, or dy for conv_filter_grad
  T* out;
  Sum* partial;
  int32_t groups, views, n;  // n: columns of the result in a group
  int32_t other_pitch;       // filters
  int32_t out_pitch;         // channels of the result
  int32_t down, across;      // tiles; of the largest view
  int32_t stretch;           // of k, a multiple of kK
  Epilogue epilogue;
#if KG_SUMS
  ColumnSums<T> sums;
#endif
  View view[kMostViews];
};

// Rows of the result are pixels of an image, or rows of dw.
struct PutPixel {
  const Params& p;
  const View& v;
  int i0, j0, group;
  struct Row {
    int64_t at;  // of the row's first element in the result; negative where there is none
  };
  KG_DEVICE Row row(int i) const {
    int position = i0 + i;
#if KG_PART == 2
    if (position >= v.k) return {-1};
    const Index at = position;
#else
    if (position >= v.rows) return {-1};
    int q[3];
    KG_UNROLL
    for (int d = 2; d >= kFirstDim; --d) q[d] = v.axis[d].out_first + v.axis[d].count.split(position) * v.axis[d].out_step;
    Index at = position;
    KG_UNROLL
    for (int d = kFirstDim; d < 3; ++d) at = at * v.axis[d].out_size + q[d];
#endif
    return {at * p.out_pitch + (group * p.n + j0)};
  }
  template <int count> KG_DEVICE void operator()(const Row& r, int j, const Sum (&x)[count]) const {
    if (r.at < 0) return;
    store_row(p.out, r.at + j, x, j0 + j, p.n, p.epilogue,
              [&](Sum value, int column) { return p.epilogue.value(value, 0, group * p.n + column); });
  }
};

KG_KERNEL_MANY(conv, Params, Tile::kThreads, KG_BLOCKS) {
  KG_DYNAMIC_SHARED(shared);
  int tile_number = (int)blockIdx.x;
#if KG_SUMS
  if (tile_number < p.sums.blocks) {
    if (blockIdx.y == 0 && blockIdx.z == 0) sum_columns<false>(p.sums, tile_number, reinterpret_cast<Sum*>(shared));
    return;
  }
  tile_number -= p.sums.blocks;
#endif
  for (int z = (int)blockIdx.z; z < p.groups * p.views; z += (int)gridDim.z) {
    const int group = z / p.views;
    const View& v = p.view[z - group * p.views];
    const int m = KG_PART == 2 ? v.k : v.rows, k = KG_PART == 2 ? v.rows : v.k;
    const int down = (m + Tile::kM - 1) / Tile::kM;
    if (tile_number >= down * p.across) continue;  // all threads of the block alike
    int i, j;
    place_of(tile_number, down, p.across, i, j);
    i *= Tile::kM, j *= Tile::kN;
    const int begin = (int)blockIdx.y * p.stretch, end = k - begin < p.stretch ? k : begin + p.stretch;
    const int steps = (end - begin + Tile::kK - 1) / Tile::kK;
    const T* image = p.image + group * v.depth.value;
    Tile tile;
#if KG_PART == 0
    PixelDeep<T, Tile::ShareA, Tile::kK> a(v, image, i, begin, end);
    MatrixSource<T, Tile::ShareB, Tile::kK, false> b(p.other + (int64_t)group * p.n, p.other_pitch, j, p.n, begin, end);
#elif KG_PART == 1
    PixelDeep<T, Tile::ShareA, Tile::kK> a(v, image, i, begin, end);
    FilterDeep<T, Tile::ShareB, Tile::kK> b(v, p.other + (int64_t)group * v.depth.value, p.other_pitch, j, p.n, begin, end);
#else
    PixelWide<T, Tile::ShareA, Tile::kK> a(v, image, i, begin, end);
    MatrixSource<T, Tile::ShareB, Tile::kK, false> b(p.other + (int64_t)group * p.n, p.other_pitch, j, p.n, begin, end);
#endif
    tile.run(a, b, steps, shared);
#if KG_WHOLE
    tile.each(PutPixel{p, v, i, j, group});
#else
    const int64_t place = (int64_t)(i / Tile::kM) * p.across + j / Tile::kN;
    const int64_t slab = ((int64_t)z * gridDim.y + blockIdx.y) * ((int64_t)p.down * p.across) + place;
    tile.each(PutPartial{p.partial + slab * (Tile::kM * Tile::kN)});
#endif
    sync_block();  // shared memory is used again
  }
}

}  // namespace kg
