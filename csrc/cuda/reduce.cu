// reduce: y[o][j] = op over r of x[o][r][j], with x (outer, n, inner) and y (outer, inner).
//
// Rows (inner = 1): a warp takes a short row, a block a longer one; a long row is cut into `chunks` pieces of fixed size, whose
// results a second launch joins (join_short: at most 1024 chunks are made). Columns (inner > 1): a block
// takes `width` neighbouring columns, so that it reads whole lines, and 256 / width rows at a time; long columns are cut alike.
// How a sum is grouped depends on the sizes only: the same bits on every run and every GPU. No atomic additions.
//
// Grid: short rows: 8 rows a block of 256 threads; rows: outer * chunks blocks of 256; columns: outer * chunks * ceil(inner / width).
// Shared memory: 256 partial results. Defines: KG_X, KG_Y dtypes, KG_A accumulator type, KG_OP an operation of reduce_ops.cuh.
#include "reduce_ops.cuh"

namespace kg {

typedef KG_X X;
typedef KG_Y Y;
typedef KG_A A;
typedef KG_OP<A> Op;
typedef Op::Acc Acc;

struct Params {
  const void* x;  // X, or partial results
  void* y;        // Y when finish, else partial results
  int64_t outer, n, inner;
  int64_t chunks, chunk;  // pieces of n, and elements of each
  int64_t total;          // elements behind each result
  int32_t width;          // columns of a block
  int32_t finish;
};

struct Join {
  KG_DEVICE Acc operator()(const Acc& a, const Acc& b) const { return Op::join(a, b); }
};

// partial: x holds results of an earlier launch.
template <bool partial> KG_DEVICE Acc element(const Params& p, int64_t at, int64_t r) {
  if constexpr (partial)
    return static_cast<const Acc*>(p.x)[at];
  else
    return Op::map(load<A>(static_cast<const X*>(p.x), at), r);
}
KG_DEVICE void put(const Params& p, int64_t at, const Acc& a) {
  if (p.finish)
    static_cast<Y*>(p.y)[at] = convert<Y>(Op::finish(a, p.total));
  else
    static_cast<Acc*>(p.y)[at] = a;
}

// Elements begin, begin + step, ... below end, with four sums side by side.
template <bool partial> KG_DEVICE Acc fold(const Params& p, int64_t base, int64_t stride, int64_t begin, int64_t end,
                                           int64_t step) {
  Acc a[4] = {Op::identity(), Op::identity(), Op::identity(), Op::identity()};
  int64_t r = begin;
  for (; r + 3 * step < end; r += 4 * step) {
    KG_UNROLL
    for (int k = 0; k < 4; ++k) a[k] = Op::join(a[k], element<partial>(p, base + (r + k * step) * stride, r + k * step));
  }
  for (; r < end; r += step) a[0] = Op::join(a[0], element<partial>(p, base + r * stride, r));
  return Op::join(Op::join(a[0], a[1]), Op::join(a[2], a[3]));
}

template <bool partial> KG_DEVICE void short_rows(const Params& p) {
  for (int64_t row = first_row(); row < p.outer; row += all_rows()) {
    const Acc a = join_warp(fold<partial>(p, row * p.n, 1, lane_index(), p.n, 32), Join());
    if (lane_index() == 0) put(p, row, a);
  }
}

KG_DEVICE void long_rows(const Params& p, Acc* room) {
  const int64_t row = blockIdx.x / p.chunks, begin = blockIdx.x % p.chunks * p.chunk;
  const int64_t end = begin + p.chunk < p.n ? begin + p.chunk : p.n;
  const Acc a = join_block(fold<false>(p, row * p.n, 1, begin + thread_index(), end, 256), room, Join());
  if (thread_index() == 0) put(p, blockIdx.x, a);
}

template <bool partial> KG_DEVICE void columns(const Params& p, Acc* room) {
  const int64_t strips = (p.inner + p.width - 1) / p.width;
  const int64_t strip = blockIdx.x % strips, chunk = blockIdx.x / strips % p.chunks, o = blockIdx.x / strips / p.chunks;
  const int column = thread_index() % p.width, row = thread_index() / p.width, rows = 256 / p.width;
  const int64_t j = strip * p.width + column, begin = chunk * p.chunk;
  const int64_t end = begin + p.chunk < p.n ? begin + p.chunk : p.n;
  const bool works = row < rows;  // in a block of 256 threads all do
  Acc a = Op::identity();
  if (works && j < p.inner) a = fold<partial>(p, o * p.n * p.inner + j, p.inner, begin + row, end, rows);
  if (works) room[thread_index()] = a;
  for (int half = rows / 2; half > 0; half /= 2) {
    sync_block();
    if (row < half) {
      a = Op::join(a, room[thread_index() + half * p.width]);
      room[thread_index()] = a;
    }
  }
  if (row == 0 && j < p.inner) put(p, (o * p.chunks + chunk) * p.inner + j, a);
}

// KG_PART: what a module holds, so that no more is compiled than is used.
#if KG_PART == 0
KG_KERNEL(reduce_short, Params, 256) { short_rows<false>(p); }
KG_KERNEL(join_short, Params, 256) { short_rows<true>(p); }
#elif KG_PART == 1
KG_KERNEL(reduce_rows, Params, 256) {
  KG_SHARED(Acc, room, [32]);
  long_rows(p, room);
}
#elif KG_PART == 2
KG_KERNEL(reduce_columns, Params, 256) {
  KG_SHARED(Acc, room, [256]);
  columns<false>(p, room);
}
KG_KERNEL(join_columns, Params, 256) {
  KG_SHARED(Acc, room, [256]);
  columns<true>(p, room);
}
#else
// n = 0: every result is what the operation gives for nothing.
KG_KERNEL(reduce_nothing, Params, 256) {
  for (int64_t i = global_index(); i < p.outer * p.inner; i += global_size()) put(p, i, Op::identity());
}
#endif

}  // namespace kg
