// The loops of "reduce" for one operation and one accumulator type (float, double, int64_t or uint64_t).
//
// Sums are grouped the same way on every run: lanes of four accumulators within a block, a tree over groups of eight rows
// in a column, and a tree above blocks (reduce.cpp), so the error grows like that of pairwise summation.
#pragma once
#include <limits>

#include "elementwise_memory.h"

namespace KG_NS {

typedef uint64_t vul __attribute__((vector_size(kVecBytes)));
template <class A> struct lanes_of;
template <> struct lanes_of<float> {
  using V = vf;
};
template <> struct lanes_of<double> {
  using V = vd;
};
template <> struct lanes_of<int64_t> {
  using V = vl;
};
template <> struct lanes_of<uint64_t> {
  using V = vul;
};

// join: combines two results. map: what one element becomes first. Both work on vectors and on single values.
struct SumOp {
  template <class A> static constexpr A identity() { return 0; }
  template <class V> static V map(V x) { return x; }
  template <class V> static V join(V a, V b) { return a + b; }
};
struct SquareSumOp : SumOp {
  template <class V> static V map(V x) { return x * x; }
};
struct ProductOp : SumOp {
  template <class A> static constexpr A identity() { return 1; }
  template <class V> static V join(V a, V b) { return a * b; }
};
struct MaxOp : SumOp {
  template <class A> static constexpr A identity() {
    return std::numeric_limits<A>::has_infinity ? -std::numeric_limits<A>::infinity() : std::numeric_limits<A>::min();
  }
  template <class V> static V join(V a, V b) { return a != a ? a : (a > b ? a : b); }  // NaN wins
};
struct MinOp : SumOp {
  template <class A> static constexpr A identity() {
    return std::numeric_limits<A>::has_infinity ? std::numeric_limits<A>::infinity() : std::numeric_limits<A>::max();
  }
  template <class V> static V join(V a, V b) { return a != a ? a : (a < b ? a : b); }
};
template <class V> inline V truth_value(V x) {
  if constexpr (std::is_arithmetic<V>::value) {
    return V(x != 0);
  } else {
    return x != 0 ? V{} + 1 : V{};
  }
}
struct AnyOp : SumOp {
  template <class V> static V map(V x) { return truth_value(x); }
  template <class V> static V join(V a, V b) { return a > b ? a : b; }
};
struct AllOp : SumOp {
  template <class A> static constexpr A identity() { return 1; }
  template <class V> static V map(V x) { return truth_value(x); }
  template <class V> static V join(V a, V b) { return a < b ? a : b; }
};

constexpr int64_t kReduceBlock = 1024;  // elements of a row folded at once
constexpr int kRowGroup = 8;            // rows of a column folded at once

template <class A> struct ReduceLoops {
  A identity;
  // x[0] .. x[n-1], n <= kReduceBlock
  A (*block)(const A* x, int64_t n);
  // acc[j] = join(acc[j], x[0][j] .. x[rows-1][j]) for j < width; rows <= kRowGroup
  void (*group)(const A* x, int64_t stride, int rows, A* acc, int64_t width);
  // acc[j] = join(acc[j], x[j]), without map
  void (*merge)(A* acc, const A* x, int64_t width);
};

template <class Op, class A> struct Loops {
  using V = typename lanes_of<A>::V;
  static constexpr int kN = sizeof(V) / sizeof(A);

  static V all(A x) { return x + V{}; }
  static V load_some(const A* p, int64_t n, A rest) {
    V v = all(rest);
    std::memcpy(&v, p, static_cast<size_t>(n) * sizeof(A));
    return v;
  }

  static A block(const A* x, int64_t n) {
    const A e = Op::template identity<A>();
    V acc[4] = {all(e), all(e), all(e), all(e)};
    int64_t i = 0;
    for (; i + 4 * kN <= n; i += 4 * kN)
      for (int k = 0; k < 4; ++k) acc[k] = Op::join(acc[k], Op::map(load<V>(x + i + k * kN)));
    for (int k = 0; i + kN <= n; i += kN, ++k) acc[k] = Op::join(acc[k], Op::map(load<V>(x + i)));
    if (i < n) {
      // Lanes past the end must not take part: map first, then put the identity there.
      A lane[kN];
      store(lane, Op::map(load_some(x + i, n - i, A(0))));
      for (int k = int(n - i); k < kN; ++k) lane[k] = e;
      acc[3] = Op::join(acc[3], load<V>(lane));
    }
    const V whole = Op::join(Op::join(acc[0], acc[1]), Op::join(acc[2], acc[3]));
    A lane[kN];
    store(lane, whole);
    for (int w = kN / 2; w > 0; w /= 2)
      for (int k = 0; k < w; ++k) lane[k] = Op::join(lane[k], lane[k + w]);
    return lane[0];
  }

  template <class Load> static V fold_rows(const A* x, int64_t stride, int rows, V acc, const Load& at) {
    if (rows == kRowGroup) {
      V v[kRowGroup];
      for (int r = 0; r < kRowGroup; ++r) v[r] = Op::map(at(x + r * stride));
      for (int w = kRowGroup / 2; w > 0; w /= 2)
        for (int r = 0; r < w; ++r) v[r] = Op::join(v[r], v[r + w]);
      return Op::join(acc, v[0]);
    }
    for (int r = 0; r < rows; ++r) acc = Op::join(acc, Op::map(at(x + r * stride)));
    return acc;
  }

  static void group(const A* x, int64_t stride, int rows, A* acc, int64_t width) {
    int64_t j = 0;
    for (; j + kN <= width; j += kN)
      store(acc + j, fold_rows(x + j, stride, rows, load<V>(acc + j), [](const A* p) { return load<V>(p); }));
    if (j == width) return;
    const int64_t n = width - j;
    const V v = fold_rows(x + j, stride, rows, load_some(acc + j, n, A(0)), [n](const A* p) { return load_some(p, n, A(0)); });
    std::memcpy(acc + j, &v, static_cast<size_t>(n) * sizeof(A));
  }

  static void merge(A* acc, const A* x, int64_t width) {
    for (int64_t j = 0; j < width; ++j) acc[j] = Op::join(acc[j], x[j]);
  }

  static constexpr ReduceLoops<A> table() { return {Op::template identity<A>(), &block, &group, &merge}; }
};

enum ReduceOp { kSum = 0, kMean, kMax, kMin, kProd, kAny, kAll, kSumOfSquares, kArgmax, kArgmin, kLogSumExp, kNumReduceOps };

template <class A> inline ReduceLoops<A> reduce_loops(ReduceOp op) {
  switch (op) {
    case kMax: return Loops<MaxOp, A>::table();
    case kMin: return Loops<MinOp, A>::table();
    case kProd: return Loops<ProductOp, A>::table();
    case kAny: return Loops<AnyOp, A>::table();
    case kAll: return Loops<AllOp, A>::table();
    case kSumOfSquares: return Loops<SquareSumOp, A>::table();
    default: return Loops<SumOp, A>::table();
  }
}

// Signed sums wrap, as NumPy's do; the compiler must not assume that they never overflow.
template <> inline int64_t SumOp::join<int64_t>(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
template <> inline int64_t ProductOp::join<int64_t>(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

// The other members of the family; `call` has been checked to hold outer * n * inner elements of input.
void reduce_arg(const Call& call, bool largest, int64_t outer, int64_t n, int64_t inner);
void reduce_logsumexp(const Call& call, int64_t outer, int64_t n, int64_t inner);

}  // namespace KG_NS
