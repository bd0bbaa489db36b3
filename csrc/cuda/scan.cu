// scan: y[o][r][j] = x[o][0][j] op ... op x[o][r][j], with x and y (outer, n, inner); op: sum, product, max, min.
//
// inner = 1: a block of 256 threads takes a row, 256 elements at a time, with the result so far carried along; within them warps scan
// by shuffles (Hillis and Steele 1986) and then add what the warps before them hold. inner > 1: a thread takes a column.
// reverse walks from the end; exclusive leaves the element itself out. y may be x: an element is read before it is written.
// Grid: outer blocks, or one thread a column. Shared memory: 8 values. Defines: KG_X, KG_Y, KG_A, KG_OP as reduce.cu.
#include "reduce_ops.cuh"

namespace kg {

typedef KG_X X;
typedef KG_Y Y;
typedef KG_A A;
typedef KG_OP<A> Op;

struct Params {
  const X* x;
  Y* y;
  int64_t outer, n, inner;
  int32_t reverse, exclusive;
};

KG_KERNEL(scan_rows, Params, 256) {
  KG_SHARED(A, totals, [8]);
  const int64_t base = (int64_t)blockIdx.x * p.n;
  A carry = Op::identity();
  for (int64_t start = 0; start < p.n; start += 256) {
    const int64_t r = start + thread_index();
    const int64_t at = base + (p.reverse ? p.n - 1 - r : r);
    const A own = r < p.n ? load<A>(p.x, at) : Op::identity();
    A sum = own;
    KG_UNROLL
    for (int d = 1; d < 32; d *= 2) {
      const A before = shuffle_up(sum, d);
      if (lane_index() >= d) sum = Op::join(before, sum);
    }
    A ahead = shuffle_up(sum, 1);
    if (lane_index() == 0) ahead = Op::identity();
    sync_block();
    if (lane_index() == 31) totals[warp_index()] = sum;
    sync_block();
    A first = carry;
    for (int w = 0; w < warp_index(); ++w) first = Op::join(first, totals[w]);
    for (int w = 0; w < 8; ++w) carry = Op::join(carry, totals[w]);
    if (r < p.n) p.y[at] = convert<Y>(Op::join(first, p.exclusive ? ahead : sum));
  }
}

KG_KERNEL(scan_columns, Params, 256) {
  const int64_t column = global_index();
  if (column >= p.outer * p.inner) return;
  const int64_t base = column / p.inner * p.n * p.inner + column % p.inner;
  A total = Op::identity();
  for (int64_t r = 0; r < p.n; ++r) {
    const int64_t at = base + (p.reverse ? p.n - 1 - r : r) * p.inner;
    const A next = Op::join(total, load<A>(p.x, at));
    p.y[at] = convert<Y>(p.exclusive ? total : next);
    total = next;
  }
}

}  // namespace kg
