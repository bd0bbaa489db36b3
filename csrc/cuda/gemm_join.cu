// The second pass of a product that was cut along k: c[b][i][j] = act(alpha sum over s of partial[b][s][tile][..] + bias) (+ c);
// or alpha sum + bias where mask > 0, of c's shape and pitch, and 0 elsewhere.
//
// partial is (batch, splits, tiles down, tiles across, tile_m, tile_n) of KG_S, written by gemm_tiled or conv_filter_grad; c is (batch, m,
// n) where row i of batch entry b begins at b * c_stride + i * c_pitch. Stretches are added in order.
// Grid: 256 threads a block, 4 elements of a row a thread and a stride of the whole grid. With KG_SUMS the first blocks
// join sums of columns (column_sums.cuh) in shared memory. Defines: KG_T; KG_S, the type that was summed in, which is compute<KG_T>;
// KG_SUMS.
#include "column_sums.cuh"

namespace kg {

typedef KG_T T;
typedef KG_S Sum;

struct Params {
  const Sum* partial;
  const T *bias, *mask;
  T* c;
  int64_t count, c_stride, c_pitch;  // count: groups of 4 elements
  int32_t m, n, quads, splits;       // quads: groups of 4 in a row
  int32_t tile_m, tile_n, down, across;
  double alpha;
  int32_t bias_kind, relu, accumulate, packed;
#if KG_SUMS
  ColumnSums<T> sums;
#endif
};

KG_KERNEL(gemm_join, Params, 256) {
  int64_t block = blockIdx.x, blocks = gridDim.x;
#if KG_SUMS
  KG_SHARED(Sum, room, [256]);
  if (block < p.sums.blocks) return sum_columns<true>(p.sums, (int)block, room);
  block -= p.sums.blocks;
  blocks -= p.sums.blocks;
#endif
  const int64_t slab = (int64_t)p.tile_m * p.tile_n, all = slab * p.down * p.across;
  for (int64_t e = block * 256 + thread_index(); e < p.count; e += blocks * 256) {
    const int64_t line = e / p.quads, entry = line / p.m;
    const int j = (int)(e - line * p.quads) * 4, i = (int)(line - entry * p.m);
    const int64_t tile = (int64_t)(i / p.tile_m) * p.across + j / p.tile_n;
    const Sum* from = p.partial + entry * p.splits * all + tile * slab + (int64_t)(i % p.tile_m) * p.tile_n + j % p.tile_n;
    Pack<Sum, 4> sum = *reinterpret_cast<const Pack<Sum, 4>*>(from);
    for (int s = 1; s < p.splits; ++s) {
      const Pack<Sum, 4> next = *reinterpret_cast<const Pack<Sum, 4>*>(from + s * all);
      KG_UNROLL
      for (int c = 0; c < 4; ++c) sum.at[c] += next.at[c];
    }
    const int64_t at = entry * p.c_stride + i * p.c_pitch + j;
    T* to = p.c + at;
    Pack<T, 4> out, mask;
    if (p.mask && p.packed) mask = *reinterpret_cast<const Pack<T, 4>*>(p.mask + at);
    KG_UNROLL
    for (int c = 0; c < 4; ++c) {
      if (j + c >= p.n) break;
      Sum v = sum.at[c] * (Sum)p.alpha;
      if (p.bias_kind) v += widen(p.bias[p.bias_kind == 1 ? j + c : i]);
      if (p.relu && v < Sum(0)) v = 0;
      if (p.mask && !(widen(p.packed ? mask.at[c] : p.mask[at + c]) > Sum(0))) v = 0;
      if (p.accumulate) v += widen(to[c]);
      out.at[c] = narrow<T>(v);
      if (!p.packed) to[c] = out.at[c];
    }
    if (p.packed) *reinterpret_cast<Pack<T, 4>*>(to) = out;
  }
}

}  // namespace kg
