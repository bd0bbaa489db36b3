// reduce: y[o][j] = op over r of x[o][r][j], with x (outer, n, inner) and y (outer, inner).
//
//   ints    op (sum, mean, max, min, prod, any, all, sum_of_squares, argmax, argmin, logsumexp), outer, n, inner
//   inputs  x of any dtype; outputs y of any dtype (argmax, argmin: int32 or int64)
//
// Floats are accumulated in float (float64 in double), integers in 64 bits with wraparound. max and min return NaN where
// there is one. n = 0 gives 0, 1, false, true or NaN for sum, prod, any, all and mean; max and min have no answer and throw.
//
// inner = 1: rows are folded in blocks of kReduceBlock with vector lanes. inner > 1: strips of columns are folded eight rows
// at a time. Long reductions are cut into chunks of a fixed size, folded by different threads and joined in a tree, so
// the grouping depends on the sizes only.
#include "reduce_fold.h"

namespace KG_NS {
namespace {

template <class A> void reduce_as(const Call& call, ReduceOp op, int64_t outer, int64_t n, int64_t inner) {
  if (op == kMean && std::is_integral<A>::value) fail_message(call, "mean needs floats; cast the integers first");
  Reducer<A>(call, op, n).run(outer, n, inner);
}

KG_INTS(ReduceInts, op, outer, n, inner);

}  // namespace

void reduce(const Call& call) {
  expect(call, 1, 1, 4, 0);
  const auto p = ints<ReduceInts>(call);
  if (p.op < 0 || p.op >= kNumReduceOps) fail(call, "operation", p.op, kNumReduceOps - 1);
  const ReduceOp op = static_cast<ReduceOp>(p.op);
  const int64_t outer = p.outer, n = p.n, inner = p.inner;
  const int64_t results = checked_mul(call, outer, inner), count = checked_mul(call, results, n);
  const Buffer &x = call.in[0], &y = call.out[0];
  if (x.bytes / dtype_size(x.dtype) < count) fail(call, "input elements", x.bytes / dtype_size(x.dtype), count);
  if (y.bytes / dtype_size(y.dtype) < results) fail(call, "output elements", y.bytes / dtype_size(y.dtype), results);
  if (results == 0) return;
  if (n == 0 && (op == kMax || op == kMin || op == kArgmax || op == kArgmin))
    fail_message(call, "max, min, argmax and argmin need at least one element along the axis; it has size 0");
  if (op == kArgmax || op == kArgmin) return reduce_arg(call, op == kArgmax, outer, n, inner);
  if (op == kLogSumExp) return reduce_logsumexp(call, outer, n, inner);
  switch (x.dtype) {
    case kF32:
    case kF16:
    case kBF16: return reduce_as<float>(call, op, outer, n, inner);
    case kF64: return reduce_as<double>(call, op, outer, n, inner);
    case kU64: return reduce_as<uint64_t>(call, op, outer, n, inner);
    default: return reduce_as<int64_t>(call, op, outer, n, inner);
  }
}

}  // namespace KG_NS

KG_REGISTER(reduce, ReduceInts::names);
