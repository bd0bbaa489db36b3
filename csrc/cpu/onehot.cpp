// Class numbers to indicator vectors, and counting.
//
// one_hot   in: indices (outer, inner) of an integer dtype; out: y (outer, depth, inner) of any dtype,
//           y[o, indices[o, i], i] = 1, the rest 0. An index outside [0, depth) gives zeros.   ints: outer, depth, inner
// bincount  in: x (rows, n) of an integer dtype, optionally weights (rows, n); out: counts (rows, length) of int32, int64,
//           float32 or float64 (the dtype of the weights): counts[r, v] = sum of the weights (or 1) where x[r] == v.
//           Values outside [0, length) are skipped.   ints: rows, n, length
#include "movement.h"
#include "numeric.h"

namespace KG_NS {
namespace {

// f(pointer) for an input of any integer dtype.
template <class F> void by_integer(const Call& call, int k, int64_t count, const F& f) {
  if (k >= call.n_in) fail(call, "number of inputs", call.n_in, k + 1);
  by_dtype(call.in[k].dtype, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_integral<T>::value) {
      f(input<T>(call, k, count));
    } else {
      fail_dtype(call, "input", k, call.in[k].dtype, "an integer dtype");
    }
  });
}

// As int64, -1 where it does not fit.
template <class I> inline int64_t index_value(I x) {
  if (sizeof(I) == 8 && std::is_unsigned<I>::value && static_cast<int64_t>(x) < 0) return -1;
  return static_cast<int64_t>(x);
}

KG_INTS(OneHotInts, outer, depth, inner);
KG_INTS(BincountInts, rows, n, length);

}  // namespace

void one_hot(const Call& call) {
  expect(call, 1, 1, 3, 0);
  const auto p = ints<OneHotInts>(call);
  const int64_t outer = p.outer, depth = p.depth, inner = p.inner, item = item_size(call);
  const int64_t slab = checked_mul(call, depth, inner);
  char* out = raw_output(call, 0, checked_mul(call, outer, slab));
  // With outer = 0 nothing bounds the slab but this.
  const int64_t slab_bytes = checked_mul(call, slab, item);
  by_integer(call, 0, checked_mul(call, outer, inner), [&](auto indices) {
    if (outer == 0 || slab == 0) return;
    by_dtype(call.out[0].dtype, [&](auto tag) {
      using T = decltype(tag);
      T* y = reinterpret_cast<T*>(out);
      const T one = from_integer<T>(1);
      parallel_range(outer, std::max<int64_t>(1, kCopyGrain / slab_bytes), [&](int64_t begin, int64_t end) {
        std::memset(static_cast<void*>(y + begin * slab), 0, static_cast<size_t>((end - begin) * slab * item));
        for (int64_t o = begin; o < end; ++o)
          for (int64_t i = 0; i < inner; ++i) {
            const int64_t k = index_value(indices[o * inner + i]);
            if (k >= 0 && k < depth) y[(o * depth + k) * inner + i] = one;
          }
      });
    });
  });
}

namespace {

template <class T, class I>
void count_rows(const I* x, const T* weights, T* counts, int64_t rows, int64_t n, int64_t length) {
  parallel_range(rows, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, n)), [&](int64_t begin, int64_t end) {
    std::fill(counts + begin * length, counts + end * length, T(0));
    for (int64_t r = begin; r < end; ++r)
      for (int64_t k = r * n; k < (r + 1) * n; ++k) {
        const int64_t v = index_value(x[k]);
        if (v >= 0 && v < length) counts[r * length + v] += weights ? weights[k] : T(1);
      }
  });
}

template <class T> void bincount_as(const Call& call) {
  const auto p = ints<BincountInts>(call);
  const int64_t rows = p.rows, n = p.n, length = p.length, items = checked_mul(call, rows, n);
  const T* weights = call.n_in == 2 ? input<T>(call, 1, items) : nullptr;
  T* counts = output<T>(call, 0, checked_mul(call, rows, length));
  by_integer(call, 0, items, [&](auto x) { count_rows(x, weights, counts, rows, n, length); });
}

}  // namespace

void bincount(const Call& call) {
  if (call.n_in < 1 || call.n_in > 2) fail(call, "number of inputs", call.n_in, 1);
  expect(call, call.n_in, 1, 3, 0);
  switch (call.out[0].dtype) {
    case kI32: return bincount_as<int32_t>(call);
    case kI64: return bincount_as<int64_t>(call);
    case kF32: return bincount_as<float>(call);
    case kF64: return bincount_as<double>(call);
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "int32, int64, float32 or float64");
  }
}

}  // namespace KG_NS

KG_REGISTER(one_hot, OneHotInts::names);
KG_REGISTER(bincount, BincountInts::names);
