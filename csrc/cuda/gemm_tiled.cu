// GEMM by tiles: C[b] = act(alpha op(A[b]) op(B[b]) + bias) (+ C[b] when accumulate), for floats; act: relu, or relu_grad,
// which keeps what is where mask[b] > 0 and puts 0 elsewhere.
//
// A is (m, k), or (k, m) when it is wide; B is (k, n), or (n, k) when it is deep; C (m, n); row-major, a stride per batch entry. A block
// makes a kM x kN tile (gemm_mma.cuh on tensor cores, gemm_simt.cuh otherwise) of one batch entry and one of `splits` stretches of k.
// With more than one stretch each stores its sums to scratch memory, (batch, split, tile, kM, kN), and `gemm_join` adds them up in
// order: the same bits on every run.
// With KG_SUMS the sums of B's columns are made as well, where B is not deep and there is one batch entry (column_sums.cuh).
// Grid: x blocks that sum and tiles, y splits, z batch entries (several launches when there are more than 65535). Block: 32 threads a warp.
// Shared memory: gemm_mma.cuh, gemm_simt.cuh, gemm_wgmma.cuh. Defines: gemm_tile.cuh; where KG_MMA is 3 a block has 128 threads more
// (gemm_tma.cuh), and KG_REGISTERS is what a thread that multiplies may use.
#include "gemm_tile.cuh"
#if KG_MMA == 3
#include "gemm_tma.cuh"
#endif

namespace kg {

struct Params {
  const T *a, *b;
  T* c;
  Sum* partial;
  int64_t a_stride, b_stride, a_pitch, b_pitch;  // in elements, between batch entries and between rows
  int32_t m, n, k, first_entry;
  int32_t down, across;  // tiles
  int32_t stretch;       // of k, a multiple of kK
  int32_t unused;
  Epilogue epilogue;
#if KG_SUMS
  ColumnSums<T> sums;
#endif
#if KG_MMA == 3
  TensorMap a_map, b_map;  // (entries, rows, columns) of a and b; one entry where all share it
#endif
};

struct PutResult {
  const Params& p;
  int64_t entry;
  int i0, j0;
  struct Row {
    int64_t at;  // of the row's first element in c; negative where there is none
    int i;
  };
  KG_DEVICE Row row(int i) const {
    if (i0 + i >= p.m) return {-1, 0};
    return {(entry * p.m + i0 + i) * p.n + j0, i0 + i};
  }
  template <int count> KG_DEVICE void operator()(const Row& r, int j, const Sum (&v)[count]) const {
    if (r.at < 0) return;
    store_row(p.c, r.at + j, v, j0 + j, p.n, p.epilogue, [&](Sum x, int column) { return p.epilogue.value(x, r.i, column); });
  }
};

KG_DEVICE void put(Tile& tile, const Params& p, int i, int j, int entry) {
#if KG_WHOLE
  tile.each(PutResult{p, entry, i * Tile::kM, j * Tile::kN});
#else
  const int64_t slab = ((int64_t)entry * gridDim.y + blockIdx.y) * (p.down * p.across) + (i * p.across + j);
  tile.each(PutPartial{p.partial + slab * (Tile::kM * Tile::kN)});
#endif
}

constexpr int kThreads = Tile::kThreads + (KG_MMA == 3 ? 128 : 0);

KG_KERNEL_MANY(gemm_tiled, Params, kThreads, KG_BLOCKS) {
  KG_DYNAMIC_SHARED(shared);
  int tile_number = (int)blockIdx.x, i, j;
#if KG_SUMS
  if (tile_number < p.sums.blocks) {
    if (blockIdx.y == 0) sum_columns<false>(p.sums, tile_number, reinterpret_cast<Sum*>(shared));
    return;
  }
  tile_number -= p.sums.blocks;
#endif
  place_of(tile_number, p.down, p.across, i, j);
  const int begin = (int)blockIdx.y * p.stretch, end = p.k - begin < p.stretch ? p.k : begin + p.stretch;
  const int steps = (end - begin + Tile::kK - 1) / Tile::kK;
  const int entry = p.first_entry + (int)blockIdx.z;  // no loop over entries: what stays the same in it would take registers
#if KG_MMA == 3
  Ring<Tile, KG_STAGES, KG_DA, KG_DB> ring(shared);
  if (thread_index() >= Tile::kThreads) {
    fewer_registers<40>();
    if (thread_index() == Tile::kThreads)
      ring.fill(p.a_map, p.b_map, i * Tile::kM, j * Tile::kN, begin, p.a_stride ? entry : 0, p.b_stride ? entry : 0, steps);
  } else {
    more_registers<KG_REGISTERS>();
    Tile tile;
    ring.drain(tile, steps);
    put(tile, p, i, j, entry);
  }
#else
  Tile tile;
  MatrixSource<T, Tile::ShareA, Tile::kK, KG_DA> a(p.a + entry * p.a_stride, p.a_pitch, i * Tile::kM, p.m, begin, end);
  MatrixSource<T, Tile::ShareB, Tile::kK, KG_DB> b(p.b + entry * p.b_stride, p.b_pitch, j * Tile::kN, p.n, begin, end);
  tile.run(a, b, steps, shared);
  put(tile, p, i, j, entry);
#endif
}

}  // namespace kg
