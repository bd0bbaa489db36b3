// y[sum of c_d out_d] = x[sum of c_d in_d] for all coordinates c of a box: transpose, broadcast_to, slice and slice_assign after their
// planners have merged dimensions that are one run on both sides.
//
// strided: one element a thread, 256 threads a block, a stride of the whole grid; neighbouring threads write neighbouring elements.
// transpose_tiles: the last two dimensions are j (contiguous in x) and k (contiguous in y): a block of 32 x 8 threads moves a tile of
// 32 x 32 through shared memory, so that both sides use whole lines. Grid: outer * tiles of j * tiles of k.
// Shared memory: 32 x 33 words. Defines: KG_W the word, KG_INDEX uint32_t or int64_t.
#include "numeric.cuh"

namespace kg {

typedef KG_W W;
typedef KG_INDEX Index;
constexpr int kDims = 16;

struct Params {
  const W* x;
  W* y;
  int64_t size, dims[kDims], in[kDims], out[kDims];
  int32_t ndim;
};

// Where element `rest` of the first `ndim` dimensions lies.
KG_DEVICE void locate(const Params& p, int ndim, Index rest, int64_t& from, int64_t& to) {
  from = to = 0;
  for (int d = ndim - 1; d >= 0; --d) {
    const Index next = rest / (Index)p.dims[d];
    const int64_t c = (int64_t)(rest - next * (Index)p.dims[d]);
    from += c * p.in[d];
    to += c * p.out[d];
    rest = next;
  }
}

KG_KERNEL(strided, Params, 256) {
  for (int64_t i = global_index(); i < p.size; i += global_size()) {
    int64_t from, to;
    locate(p, p.ndim, (Index)i, from, to);
    p.y[to] = p.x[from];
  }
}

KG_KERNEL(transpose_tiles, Params, 256) {
  KG_SHARED(W, tile, [32][33]);
  const int64_t nj = p.dims[p.ndim - 2], nk = p.dims[p.ndim - 1], x_pitch = p.in[p.ndim - 1], y_pitch = p.out[p.ndim - 2];
  const int64_t tiles_j = (nj + 31) / 32, tiles_k = (nk + 31) / 32;
  int64_t from, to;
  locate(p, p.ndim - 2, (Index)(blockIdx.x / (tiles_j * tiles_k)), from, to);
  const int64_t j0 = blockIdx.x / tiles_k % tiles_j * 32, k0 = blockIdx.x % tiles_k * 32;
  const int column = lane_index(), row = warp_index();
  for (int r = row; r < 32; r += 8)
    if (k0 + r < nk && j0 + column < nj) tile[r][column] = p.x[from + (k0 + r) * x_pitch + j0 + column];
  sync_block();
  for (int r = row; r < 32; r += 8)
    if (j0 + r < nj && k0 + column < nk) p.y[to + (j0 + r) * y_pitch + k0 + column] = tile[column][r];
}

}  // namespace kg
