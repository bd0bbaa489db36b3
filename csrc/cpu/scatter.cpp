// Writing by index: out[indices[k], :] = op(out[indices[k], :], updates[k, :]) for k = 0, 1, ..., count - 1 in this order.
//
// scatter_add, scatter_update (the last one wins), scatter_max, scatter_min
//   in: indices (count) int32 or int64, updates (count, inner); out: (rows, inner), updates' dtype
//   ints: rows, inner, count, zero_first (scatter_add: out is cleared first)
// A negative index counts from the end; one outside is skipped. max and min keep NaN. half types add in float and round each time.
//
// Determinism: every element of `out` sees its updates in the order of k. Threads split the columns, or where rows are short
// the rows (each task takes the rows whose number is its own modulo the number of tasks), and never share an element.
#include "movement.h"
#include "numeric.h"

namespace KG_NS {
namespace {

enum Op { kAdd, kUpdate, kMax, kMin };

template <int op, class T> inline T combine(T old, T update) {
  if constexpr (op == kUpdate) {
    return update;
  } else if constexpr (std::is_same<T, bool>::value) {
    return op == kMin ? old && update : old || update;
  } else {
    const auto a = widen(old), b = widen(update);
    if constexpr (op == kAdd) {
      if constexpr (std::is_integral<T>::value) {
        return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));  // wraps
      } else {
        return narrow<T>(a + b);
      }
    } else if constexpr (op == kMax) {
      return a > b || a != a ? old : update;
    } else {
      return a < b || a != a ? old : update;
    }
  }
}

struct Sizes {
  int64_t rows, inner, count;
};

struct Indices {
  const int32_t* narrow;  // one of the two
  const int64_t* wide;
  int64_t operator[](int64_t k) const { return wide ? wide[k] : narrow[k]; }
};

// The updates of columns [begin, end) for the rows r with r % tasks == task.
template <int op, class T>
__attribute__((noinline)) void scatter_part(Indices indices, const T* updates, T* out, Sizes s, int64_t begin, int64_t end,
                                            int64_t tasks, int64_t task) {
  for (int64_t k = 0; k < s.count; ++k) {
    int64_t r = indices[k];
    if (r < 0) r += s.rows;
    if (r < 0 || r >= s.rows || (tasks > 1 && r % tasks != task)) continue;
    T* o = out + r * s.inner;
    const T* u = updates + k * s.inner;
    for (int64_t c = begin; c < end; ++c) o[c] = combine<op>(o[c], u[c]);
  }
}

template <int op, class T> void scatter_rows(Indices indices, const T* updates, T* out, const Sizes& s) {
  const int64_t work = s.count * s.inner;
  if (work < (1 << 14)) return scatter_part<op>(indices, updates, out, s, 0, s.inner, 1, 0);
  constexpr int64_t kColumns = 256 / sizeof(T);
  if (s.inner >= 2 * kColumns) {
    const int64_t block = std::max<int64_t>(kColumns, (s.inner / 16 + kColumns - 1) / kColumns * kColumns);
    return parallel_range(s.inner, block,
                          [&](int64_t begin, int64_t end) { scatter_part<op>(indices, updates, out, s, begin, end, 1, 0); });
  }
  const int64_t tasks = std::min<int64_t>(8, work >> 13);
  parallel_for(tasks, [&](int64_t t) { scatter_part<op>(indices, updates, out, s, 0, s.inner, tasks, t); });
}

KG_INTS(ScatterInts, rows, inner, count, zero_first);

template <int op> void scatter(const Call& call) {
  expect(call, 2, 1, 4, 0);
  const auto p = ints<ScatterInts>(call);
  const Sizes s{p.rows, p.inner, p.count};
  const int64_t items = checked_mul(call, s.rows, s.inner);
  const char* updates = raw_input(call, 1, checked_mul(call, s.count, s.inner));
  char* out = raw_output(call, 0, items);
  Indices indices{nullptr, nullptr};
  if (call.in[0].dtype == kI32) {
    indices.narrow = input<int32_t>(call, 0, s.count);
  } else {
    indices.wide = input<int64_t>(call, 0, s.count);
  }
  if (op == kAdd && p.zero_first) {
    const int64_t bytes = items * item_size(call);
    parallel_range(bytes, 2 * kCopyGrain,
                   [&](int64_t begin, int64_t end) { std::memset(out + begin, 0, static_cast<size_t>(end - begin)); });
  }
  if (items == 0) return;
  if constexpr (op == kUpdate) {
    by_item_size(item_size(call), [&](auto word) {
      using W = decltype(word);
      scatter_rows<op>(indices, reinterpret_cast<const W*>(updates), reinterpret_cast<W*>(out), s);
    });
  } else {
    by_dtype(call.out[0].dtype, [&](auto tag) {
      using T = decltype(tag);
      scatter_rows<op>(indices, reinterpret_cast<const T*>(updates), reinterpret_cast<T*>(out), s);
    });
  }
}

}  // namespace

void scatter_add(const Call& call) { scatter<kAdd>(call); }
void scatter_update(const Call& call) { scatter<kUpdate>(call); }
void scatter_max(const Call& call) { scatter<kMax>(call); }
void scatter_min(const Call& call) { scatter<kMin>(call); }

}  // namespace KG_NS

KG_REGISTER(scatter_add, ScatterInts::names);
KG_REGISTER(scatter_update, ScatterInts::names);
KG_REGISTER(scatter_max, ScatterInts::names);
KG_REGISTER(scatter_min, ScatterInts::names);
