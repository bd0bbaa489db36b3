// scan: y[o][r][j] = x[o][0][j] op ... op x[o][r][j], with x and y (outer, n, inner).
//
//   ints    op (cumsum, cumprod, cummax, cummin), outer, n, inner, reverse, exclusive
//   inputs  x of any dtype; outputs y of any dtype; y may be x when their dtypes are equal
//
// reverse runs from the last element to the first; exclusive (sums and products only) leaves element r itself out and starts
// from 0 or 1. Floats accumulate in order, float16 and bfloat16 in float; integers in 64 bits, wrapping. NaN stays
// once met. Threads take strips of columns, so one long row is walked by one thread.
#include "parallel.h"
#include "reduce_ops.h"

namespace KG_NS {
namespace {

constexpr int64_t kStrip = 256;

template <class A> struct Scanner {
  const Call& call;
  int64_t outer, n, inner;
  bool reverse, exclusive;
  LoadSpan<A> loader;
  StoreSpan<A> storer;

  // Rows are gathered into tiles so that the loop runs on values of type A.
  template <class Op> void row(int64_t o) const {
    alignas(64) A tile[kStrip];
    A total = Op::template identity<A>();
    for (int64_t r = 0; r < n; r += kStrip) {
      const int64_t m = n - r < kStrip ? n - r : kStrip;
      const int64_t at = o * n + (reverse ? n - r - m : r);
      loader(call.in[0].data, at, 1, tile, m);
      for (int64_t k = 0; k < m; ++k) {
        A& x = tile[reverse ? m - 1 - k : k];
        const A next = Op::join(total, x);
        x = exclusive ? total : next;
        total = next;
      }
      storer(tile, call.out[0].data, at, m);
    }
  }

  template <class Op> void columns(int64_t o, int64_t j, int64_t width) const {
    alignas(64) A tile[kStrip], total[kStrip];
    for (int64_t k = 0; k < width; ++k) total[k] = Op::template identity<A>();
    for (int64_t r = 0; r < n; ++r) {
      const int64_t at = (o * n + (reverse ? n - 1 - r : r)) * inner + j;
      loader(call.in[0].data, at, 1, tile, width);
      if (exclusive) {
        for (int64_t k = 0; k < width; ++k) {
          const A next = Op::join(total[k], tile[k]);
          tile[k] = total[k];
          total[k] = next;
        }
        storer(tile, call.out[0].data, at, width);
      } else {
        for (int64_t k = 0; k < width; ++k) total[k] = Op::join(total[k], tile[k]);
        storer(total, call.out[0].data, at, width);
      }
    }
  }

  template <class Op> void run() const {
    const int64_t strips = inner == 1 ? 1 : (inner + kStrip - 1) / kStrip;
    const int64_t grain = 8192 / (n * (inner < kStrip ? inner : kStrip) + 16) + 1;
    parallel_range(outer * strips, grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t j = task % strips * kStrip;
        if (inner == 1)
          row<Op>(task);
        else
          columns<Op>(task / strips, j, inner - j < kStrip ? inner - j : kStrip);
      }
    });
  }
};

KG_INTS(ScanInts, op, outer, n, inner, reverse, exclusive);

template <class A> void scan_as(const Call& call) {
  const auto p = ints<ScanInts>(call);
  const Scanner<A> s{call,
                     p.outer,
                     p.n,
                     p.inner,
                     p.reverse != 0,
                     p.exclusive != 0,
                     load_span<A>(call.in[0].dtype),
                     store_span<A>(call.out[0].dtype)};
  switch (p.op) {
    case 0: return s.template run<SumOp>();
    case 1: return s.template run<ProductOp>();
    case 2: return s.template run<MaxOp>();
    default: return s.template run<MinOp>();
  }
}

}  // namespace

void scan(const Call& call) {
  expect(call, 1, 1, 6, 0);
  const auto p = ints<ScanInts>(call);
  if (p.op < 0 || p.op > 3) fail(call, "operation", p.op, 3);
  const int64_t count = checked_mul(call, checked_mul(call, p.outer, p.n), p.inner);
  const Buffer &x = call.in[0], &y = call.out[0];
  if (x.bytes / dtype_size(x.dtype) < count) fail(call, "input elements", x.bytes / dtype_size(x.dtype), count);
  if (y.bytes / dtype_size(y.dtype) < count) fail(call, "output elements", y.bytes / dtype_size(y.dtype), count);
  if (p.op >= 2 && p.exclusive != 0) fail_message(call, "cummax and cummin have no exclusive form: there is no first value");
  if (count == 0) return;
  switch (x.dtype) {
    case kF32:
    case kF16:
    case kBF16: return scan_as<float>(call);
    case kF64: return scan_as<double>(call);
    case kU64: return scan_as<uint64_t>(call);
    default: return scan_as<int64_t>(call);
  }
}

}  // namespace KG_NS

KG_REGISTER(scan, ScanInts::names);
KG_IN_PLACE(scan, out == 0 && in == 0);
