// argmax and argmin of "reduce": y[o][j] = the first r at which x[o][r][j] is largest (smallest); a NaN counts as both.
//
// Rows are walked twice, once for the value with vector lanes and once for its place; columns once, with the best value
// and its row kept for a strip of columns. Threads take (outer, strip) tasks.
#include "parallel.h"
#include "reduce_ops.h"

namespace KG_NS {
namespace {

constexpr int64_t kStrip = 256;

template <class A> struct ArgReducer {
  const Call& call;
  bool largest;
  LoadSpan<A> loader;
  bool native;

  ArgReducer(const Call& c, bool l)
      : call(c), largest(l), loader(load_span<A>(c.in[0].dtype)), native(c.in[0].dtype == dtype_of<A>::value) {}

  const A* fetch(int64_t offset, int64_t count, A* scratch) const {
    if (native) return static_cast<const A*>(call.in[0].data) + offset;
    loader(call.in[0].data, offset, 1, scratch, count);
    return scratch;
  }

  void put(int64_t k, int64_t value) const {
    if (call.out[0].dtype == kI64)
      static_cast<int64_t*>(call.out[0].data)[k] = value;
    else
      static_cast<int32_t*>(call.out[0].data)[k] = static_cast<int32_t>(value);
  }

  // The first of x[0..n) that matches; the last if none does. Four vectors at a time, then the place among them.
  template <class Match> static int64_t find(const A* x, int64_t n, const Match& match) {
    using V = typename lanes_of<A>::V;
    constexpr int64_t kN = sizeof(V) / sizeof(A);
    int64_t k = 0;
    for (; k + 4 * kN <= n; k += 4 * kN) {
      const auto seen = (match(load<V>(x + k)) | match(load<V>(x + k + kN))) |
                        (match(load<V>(x + k + 2 * kN)) | match(load<V>(x + k + 3 * kN)));
      int64_t word[sizeof(V) / 8], any = 0;
      std::memcpy(word, &seen, sizeof(V));
      for (int64_t w : word) any |= w;
      if (any) break;
    }
    while (k + 1 < n && !match(x[k])) ++k;
    return k;
  }

  int64_t row(int64_t offset, int64_t n) const {
    const ReduceLoops<A> loops = reduce_loops<A>(largest ? kMax : kMin);
    alignas(64) A scratch[kReduceBlock];
    A best = 0;
    int64_t best_block = 0;
    for (int64_t i = 0; i < n; i += kReduceBlock) {
      const int64_t m = n - i < kReduceBlock ? n - i : kReduceBlock;
      const A value = loops.block(fetch(offset + i, m, scratch), m);
      if (i == 0 || value != value || (largest ? value > best : value < best)) {
        best = value;
        best_block = i;
      }
      if (best != best) break;
    }
    const int64_t m = n - best_block < kReduceBlock ? n - best_block : kReduceBlock;
    const A* x = fetch(offset + best_block, m, scratch);
    if (best != best) return best_block + find(x, m, [](auto v) { return v != v; });
    return best_block + find(x, m, [best](auto v) { return v == best; });
  }

  template <bool kLargest> void strip(int64_t offset, int64_t n, int64_t inner, int64_t out, int64_t width) const {
    alignas(64) A scratch[kStrip], best[kStrip];
    alignas(64) int64_t at[kStrip] = {};
    const A* first = fetch(offset, width, scratch);
    for (int64_t j = 0; j < width; ++j) best[j] = first[j];
    for (int64_t r = 1; r < n; ++r) {
      const A* x = fetch(offset + r * inner, width, scratch);
      for (int64_t j = 0; j < width; ++j) {
        const bool better = (kLargest ? x[j] > best[j] : x[j] < best[j]) | ((x[j] != x[j]) & (best[j] == best[j]));
        best[j] = better ? x[j] : best[j];
        at[j] = better ? r : at[j];
      }
    }
    for (int64_t j = 0; j < width; ++j) put(out + j, at[j]);
  }

  void run(int64_t outer, int64_t n, int64_t inner) const {
    if (inner == 1) {
      const int64_t grain = 16384 / (n + 16) + 1;
      parallel_range(outer, grain, [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) put(o, row(o * n, n));
      });
      return;
    }
    const int64_t strips = (inner + kStrip - 1) / kStrip;
    const int64_t grain = 8192 / (n * (inner < kStrip ? inner : kStrip) + 16) + 1;
    parallel_range(outer * strips, grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t o = task / strips, j = task % strips * kStrip;
        const int64_t width = inner - j < kStrip ? inner - j : kStrip;
        if (largest)
          strip<true>(o * n * inner + j, n, inner, o * inner + j, width);
        else
          strip<false>(o * n * inner + j, n, inner, o * inner + j, width);
      }
    });
  }
};

}  // namespace

void reduce_arg(const Call& call, bool largest, int64_t outer, int64_t n, int64_t inner) {
  const DType y = call.out[0].dtype;
  if (y != kI32 && y != kI64) fail_dtype(call, "output", 0, y, "int32 or int64");
  if (y == kI32 && n > INT32_MAX) fail(call, "reduced size for int32 indices", n, INT32_MAX);
  switch (call.in[0].dtype) {
    case kF32:
    case kF16:
    case kBF16: return ArgReducer<float>(call, largest).run(outer, n, inner);
    case kF64: return ArgReducer<double>(call, largest).run(outer, n, inner);
    case kU64: return ArgReducer<uint64_t>(call, largest).run(outer, n, inner);
    default: return ArgReducer<int64_t>(call, largest).run(outer, n, inner);
  }
}

}  // namespace KG_NS
