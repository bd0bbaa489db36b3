// How reduce folds (outer, n, inner) over n, for one operation and one accumulator type; see reduce.cpp.
//
// A kernel that makes what is to be folded can have each chunk of rows folded right after it is made, while it is in the cache, with
// the bits that reduce gives: `before` of run().
#pragma once
#include <memory>

#include "parallel.h"
#include "pool.h"
#include "reduce_ops.h"

namespace KG_NS {

constexpr int64_t kRowChunk = 32 * kReduceBlock;   // elements of a row that one task folds
constexpr int64_t kColumnChunk = 128;              // rows that one task folds, for a strip of columns
constexpr int64_t kStrip = 512;                    // columns of a strip
constexpr int64_t kTaskElements = 16384;           // worth a hand-over to another thread
constexpr int64_t kFetchBytes = int64_t(4) << 20;  // arrays from here on are prefetched: processors follow few rows at once
constexpr int64_t kFetchAhead = 6144;              // bytes

template <class A> struct PoolArray {
  A* data;
  explicit PoolArray(int64_t n) : data(n > 0 ? static_cast<A*>(pool_allocate(n * int64_t(sizeof(A)))) : nullptr) {}
  ~PoolArray() {
    if (data) pool_free(data);
  }
  PoolArray(const PoolArray&) = delete;
  PoolArray& operator=(const PoolArray&) = delete;
};

template <class A> struct Reducer {
  const Call& call;
  ReduceOp op;
  ReduceLoops<A> loops;
  LoadSpan<A> loader;
  StoreSpan<A> storer;
  bool native;
  int64_t divisor;  // of a mean

  Reducer(const Call& c, ReduceOp o, int64_t n)
      : call(c),
        op(o),
        loops(reduce_loops<A>(o)),
        loader(load_span<A>(c.in[0].dtype)),
        storer(store_span<A>(c.out[0].dtype)),
        native(c.in[0].dtype == dtype_of<A>::value),
        divisor(n) {}

  // `count` elements from `offset`, as A; copied to scratch only if they are of another dtype.
  const A* fetch(int64_t offset, int64_t count, A* scratch) const {
    if (native) return static_cast<const A*>(call.in[0].data) + offset;
    loader(call.in[0].data, offset, 1, scratch, count);
    return scratch;
  }

  void finish(A* y, int64_t offset, int64_t count) const {
    if (op == kMean)
      for (int64_t j = 0; j < count; ++j) y[j] = y[j] / static_cast<A>(divisor);
    storer(y, call.out[0].data, offset, count);
  }

  // Blocks of a chunk, joined as a binary counter carries: like a balanced tree, in one pass.
  A fold_row(int64_t offset, int64_t n) const {
    alignas(64) A scratch[kReduceBlock];
    if (n <= kReduceBlock) return loops.block(fetch(offset, n, scratch), n);
    A stack[8];
    int64_t blocks = 0;
    int depth = 0;
    for (int64_t i = 0; i < n; i += kReduceBlock, ++blocks) {
      const int64_t m = n - i < kReduceBlock ? n - i : kReduceBlock;
      A value = loops.block(fetch(offset + i, m, scratch), m);
      for (int64_t carry = blocks; carry & 1; carry >>= 1) {
        loops.merge(&stack[depth - 1], &value, 1);
        value = stack[--depth];
      }
      stack[depth++] = value;
    }
    while (depth > 1) {
      loops.merge(&stack[depth - 2], &stack[depth - 1], 1);
      --depth;
    }
    return stack[0];
  }

  void rows(int64_t outer, int64_t n) const {
    const int64_t chunks = (n + kRowChunk - 1) / kRowChunk;
    if (chunks <= 1) {
      int64_t grain = kTaskElements / (n + 16);
      if (grain < 1) grain = 1;
      parallel_range(outer, grain, [&](int64_t begin, int64_t end) {
        constexpr int64_t kHold = 64;
        A held[kHold];
        for (int64_t o = begin; o < end; o += kHold) {
          const int64_t m = end - o < kHold ? end - o : kHold;
          for (int64_t k = 0; k < m; ++k) held[k] = fold_row((o + k) * n, n);
          finish(held, o, m);
        }
      });
      return;
    }
    const PoolArray<A> partial(checked_mul(call, outer, chunks));
    parallel_for(outer * chunks, [&](int64_t task) {
      const int64_t o = task / chunks, begin = task % chunks * kRowChunk;
      partial.data[task] = fold_row(o * n + begin, n - begin < kRowChunk ? n - begin : kRowChunk);
    });
    for (int64_t o = 0; o < outer; ++o) {
      A* p = partial.data + o * chunks;
      join_tree(p, chunks, 1);
      finish(p, o, 1);
    }
  }

  // p is (chunks, width): the result is left in the first row.
  void join_tree(A* p, int64_t chunks, int64_t width) const {
    for (int64_t step = 1; step < chunks; step *= 2)
      for (int64_t c = 0; c + step < chunks; c += 2 * step) loops.merge(p + c * width, p + (c + step) * width, width);
  }

  // What lies kFetchAhead behind these rows of a whole strip, or in the next group of rows of a part of one.
  static void prefetch_rows(const A* x, int64_t stride, int rows, int64_t width) {
    const int64_t ahead = stride == width ? kFetchAhead / int64_t(sizeof(A)) : kRowGroup * stride;
    for (int k = 0; k < rows; ++k)
      for (int64_t j = 0; j < width; j += 64 / int64_t(sizeof(A))) __builtin_prefetch(x + k * stride + j + ahead);
  }

  // acc = columns [0, width) folded over `count` rows that start at `offset` and lie `stride` apart
  void fold_columns(int64_t offset, int64_t stride, int64_t count, A* acc, int64_t width, bool cold = false) const {
    alignas(64) A scratch[kRowGroup * kStrip];
    for (int64_t j = 0; j < width; ++j) acc[j] = loops.identity;
    for (int64_t r = 0; r < count; r += kRowGroup) {
      const int rows = count - r < kRowGroup ? int(count - r) : kRowGroup;
      if (native) {
        const A* x = static_cast<const A*>(call.in[0].data) + offset + r * stride;
        if (cold) prefetch_rows(x, stride, rows, width);
        loops.group(x, stride, rows, acc, width);
      } else {
        for (int k = 0; k < rows; ++k) loader(call.in[0].data, offset + (r + k) * stride, 1, scratch + k * width, width);
        loops.group(scratch, width, rows, acc, width);
      }
    }
  }

  // Calls done(o, first column, values, width) for every strip of the folded (outer, inner); x steps by `pitch` per o.
  // before(row, rows): just before these rows of an array of one strip and outer = 1 are read.
  template <class Before, class Done>
  void columns(int64_t outer, int64_t n, int64_t inner, int64_t pitch, const Before& before, const Done& done) const {
    const int64_t chunks = (n + kColumnChunk - 1) / kColumnChunk, strips = (inner + kStrip - 1) / kStrip;
    const int64_t per_task = (n < kColumnChunk ? n : kColumnChunk) * (inner < kStrip ? inner : kStrip);
    const int64_t grain = per_task >= kTaskElements ? 1 : kTaskElements / (per_task + 16) + 1;
    const PoolArray<A> partial(chunks > 1 ? checked_mul(call, checked_mul(call, outer, chunks), inner) : 0);
    const bool cold = std::is_same<Before, Ready>::value && call.in[0].bytes >= kFetchBytes;
    parallel_range(outer * chunks * strips, grain, [&](int64_t begin, int64_t end) {
      alignas(64) A local[kStrip];
      for (int64_t task = begin; task < end; ++task) {
        const int64_t s = task % strips, c = task / strips % chunks, o = task / strips / chunks;
        const int64_t j = s * kStrip, width = inner - j < kStrip ? inner - j : kStrip;
        const int64_t r = c * kColumnChunk, count = n - r < kColumnChunk ? n - r : kColumnChunk;
        before(r, count);
        A* acc = chunks > 1 ? partial.data + (o * chunks + c) * inner + j : local;
        fold_columns(o * pitch + r * inner + j, inner, count, acc, width, cold);
        if (chunks == 1) done(o, j, acc, width);
      }
    });
    if (chunks == 1) return;
    parallel_range(outer, inner * chunks >= kTaskElements ? 1 : kTaskElements / (inner * chunks) + 1,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t o = begin; o < end; ++o) {
                       A* p = partial.data + o * chunks * inner;
                       join_tree(p, chunks, inner);
                       done(o, 0, p, inner);
                     }
                   });
  }

  // What is folded is there already.
  struct Ready {
    void operator()(int64_t, int64_t) const {}
  };
  static Ready wider(Ready, int64_t) { return {}; }
  template <class Before> static auto wider(const Before& before, int64_t wide) {
    return [&before, wide](int64_t row, int64_t rows) { before(row * wide, rows * wide); };
  }

  // Few columns would leave lanes idle: fold `wide` rows side by side, then those among themselves.
  template <class Before>
  void narrow_columns(int64_t outer, int64_t n, int64_t inner, int64_t wide, const Before& before) const {
    columns(outer, n / wide, wide * inner, n * inner, wider(before, wide), [&](int64_t o, int64_t, A* values, int64_t) {
      for (int64_t k = 1; k < wide; ++k) loops.merge(values, values + k * inner, inner);
      A rest[64];
      if (n % wide) {
        before(n / wide * wide, n % wide);
        fold_columns((o * n + n / wide * wide) * inner, inner, n % wide, rest, inner);
        loops.merge(values, rest, inner);
      }
      finish(values, o * inner, inner);
    });
  }

  // Whether run(1, n, inner, before) can be told to make what it reads.
  static bool takes_before(int64_t inner) { return inner > 1 && inner <= kStrip; }

  void run(int64_t outer, int64_t n, int64_t inner) const { run(outer, n, inner, Ready()); }
  // before(row, rows) is called, by the thread that then reads them, for stretches that make up all n rows.
  template <class Before> void run(int64_t outer, int64_t n, int64_t inner, const Before& before) const {
    if (n == 0) {
      A value = loops.identity;
      for (int64_t k = 0; k < outer * inner; ++k) {
        A copy = value;
        finish(&copy, k, 1);
      }
    } else if (inner == 1) {
      rows(outer, n);
    } else if (inner <= 32 && n >= 256) {
      narrow_columns(outer, n, inner, 64 / inner, before);
    } else {
      columns(outer, n, inner, n * inner, before,
              [&](int64_t o, int64_t j, A* values, int64_t width) { finish(values, o * inner + j, width); });
    }
  }
};

}  // namespace KG_NS
