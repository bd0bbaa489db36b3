// The second pass of a sum that was cut into stretches: out[i] = sum over s of partial[s][i], always in the same order.
//
// partial is (splits, count) of KG_S, out (count,) of KG_T; with splits 0 the sums are 0. A thread adds the stretches s, s + 8, ... of an
// element, so that eight chains of reads run at once; their sums are joined upwards.
// Block: 256 threads, 32 elements by 8 parts. Grid: 32 elements each, with a stride of the whole grid. Shared memory: 256 sums.
// With KG_SUMS the first blocks join sums of columns (column_sums.cuh). Bytes at least: partial and out once. Defines: KG_T, and KG_S, the type that was summed in.
#include "column_sums.cuh"

namespace kg {

typedef KG_T T;
typedef KG_S Sum;

struct Params {
  const Sum* partial;
  T* out;
  int64_t count, splits;
#if KG_SUMS
  ColumnSums<T> sums;
#endif
};

KG_KERNEL(split_sums, Params, 256) {
  KG_SHARED(Sum, room, [256]);
  int64_t block = blockIdx.x, blocks = gridDim.x;
#if KG_SUMS
  if (block < p.sums.blocks) return sum_columns<true>(p.sums, (int)block, room);
  block -= p.sums.blocks;
  blocks -= p.sums.blocks;
#endif
  const int part = warp_index(), lane = lane_index();
  for (int64_t begin = block * 32; begin < p.count; begin += blocks * 32) {
    const int64_t i = begin + lane;
    Sum sum = 0;
    if (i < p.count) {
      const Sum* from = p.partial + part * p.count + i;
      int64_t s = part;
      for (; s + 24 < p.splits; s += 32, from += 32 * p.count) {
        const Sum a = from[0], b = from[8 * p.count], c = from[16 * p.count], d = from[24 * p.count];
        sum = (((sum + a) + b) + c) + d;
      }
      for (; s < p.splits; s += 8, from += 8 * p.count) sum += from[0];
    }
    room[thread_index()] = sum;
    sync_block();
    if (part == 0 && i < p.count) {
      for (int k = 1; k < 8; ++k) sum += room[k * 32 + lane];
      p.out[i] = narrow<T>(sum);
    }
    sync_block();  // room is written again
  }
}

}  // namespace kg
