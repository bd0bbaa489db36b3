// Sorting, selection and search along the last axis. NaN counts as the largest value, as in NumPy; -0 equals 0.
//
// sort          in: x (rows, n); out: y (rows, n), x's dtype.                  ints: rows, n, descending
// argsort       in: x (rows, n); out: order (rows, n) int32 or int64.          ints: rows, n, descending
// top_k         in: x (rows, n); out: values (rows, k) of x's dtype, indices (rows, k) int32.   ints: rows, n, k
// in_top_k      in: targets (rows) int32 or int64, predictions (rows, classes) floats; out: bool (rows).   ints: rows, classes, k
//               true where fewer than k predictions are larger than the target's. A NaN among the others counts as larger;
//               false where the target's own is NaN or the target is no class.
// searchsorted  in: sorted (n), values (m), one dtype; out: positions (m) int32 or int64.   ints: n, m, right
//               sorted[p - 1] < value <= sorted[p]; right: sorted[p - 1] <= value < sorted[p]
//
// All dtypes. Orders are stable (equal values keep theirs, also descending). Rows are split over threads; values become
// integer keys (sort.h), so there is one sorting routine.
#include "sort.h"

#include "movement.h"

namespace KG_NS {
namespace {

constexpr int64_t kMaxRow = 0x7fffffff;

KG_INTS(SortInts, rows, n, descending);
KG_INTS(TopKInts, rows, n, k);
KG_INTS(InTopKInts, rows, classes, k);
KG_INTS(SearchInts, n, m, right);

struct Shape {
  int64_t rows, n;
  bool descending;
};

Shape read_shape(const Call& call, int n_out, int n_i) {
  expect(call, 1, n_out, n_i, 0);
  const auto p = ints<SortInts>(call);  // of top_k too, which sets the order itself
  const Shape s{p.rows, p.n, p.descending != 0};
  if (s.n > kMaxRow) fail(call, "axis to sort", s.n, kMaxRow);
  const int64_t have = call.in[0].bytes / dtype_size(call.in[0].dtype);
  if (have < checked_mul(call, s.rows, s.n)) fail(call, "input elements", have, s.rows * s.n);
  return s;
}

template <class T> void make_pairs(const void* x, int64_t n, bool descending, Keyed<key_of<T>>* pairs) {
  typedef key_of<T> K;
  const T* row = static_cast<const T*>(x);
  const K flip = descending ? ~K(0) : K(0);
  for (int64_t k = 0; k < n; ++k) pairs[k] = {static_cast<K>(sort_key(row[k]) ^ flip), static_cast<uint32_t>(k)};
}

// For every row: write(row, pairs), the pairs in order; at least the first `needed` of them.
template <class K, class F> void order_rows(const Call& call, const Shape& s, int64_t needed, const F& write) {
  const DType dtype = call.in[0].dtype;
  const int64_t row_bytes = s.n * dtype_size(dtype);
  const char* x = static_cast<const char*>(call.in[0].data);
  const int64_t chunks = std::min<int64_t>(s.rows, std::clamp<int64_t>(s.rows * s.n >> 11, 1, 16));
  if (chunks == 0 || s.n == 0) return;
  const int64_t per_chunk = (s.rows + chunks - 1) / chunks;
  Scratch<Keyed<K>> scratch(checked_mul(call, chunks, 2 * s.n));
  parallel_for(chunks, [&](int64_t c) {
    Keyed<K>* pairs = scratch.data() + c * 2 * s.n;
    for (int64_t r = c * per_chunk; r < std::min(s.rows, (c + 1) * per_chunk); ++r) {
      by_dtype(dtype, [&](auto tag) {
        using T = decltype(tag);
        if constexpr (std::is_same<key_of<T>, K>::value) make_pairs<T>(x + r * row_bytes, s.n, s.descending, pairs);
      });
      if (needed < s.n / 8) {
        std::partial_sort(pairs, pairs + needed, pairs + s.n, before<K>);
      } else {
        sort_pairs(pairs, pairs + s.n, s.n);
      }
      write(r, pairs);
    }
  });
}

// f(K{}) with the key type of a dtype.
template <class F> void by_key(DType dtype, const F& f) {
  if (dtype_size(dtype) == 8) return f(uint64_t{});
  f(uint32_t{});
}

// out[i] = row[pairs[i].number], i < count.
template <class K> void write_values(const char* row, char* out, int64_t item, const Keyed<K>* pairs, int64_t count) {
  by_item_size(item, [&](auto word) {
    using W = decltype(word);
    for (int64_t k = 0; k < count; ++k) reinterpret_cast<W*>(out)[k] = reinterpret_cast<const W*>(row)[pairs[k].number];
  });
}

}  // namespace

void sort(const Call& call) {
  const Shape s = read_shape(call, 1, 3);
  const char* x = raw_input(call, 0, s.rows * s.n);
  char* y = raw_output(call, 0, s.rows * s.n);
  const int64_t item = item_size(call), row_bytes = s.n * item;
  by_key(call.in[0].dtype, [&](auto key) {
    using K = decltype(key);
    order_rows<K>(call, s, s.n,
                  [&](int64_t r, const Keyed<K>* p) { write_values(x + r * row_bytes, y + r * row_bytes, item, p, s.n); });
  });
}

namespace {

template <class I> void argsort_as(const Call& call, const Shape& s) {
  I* y = output<I>(call, 0, s.rows * s.n);
  by_key(call.in[0].dtype, [&](auto key) {
    using K = decltype(key);
    order_rows<K>(call, s, s.n, [&](int64_t r, const Keyed<K>* p) {
      for (int64_t k = 0; k < s.n; ++k) y[r * s.n + k] = static_cast<I>(p[k].number);
    });
  });
}

}  // namespace

void argsort(const Call& call) {
  const Shape s = read_shape(call, 1, 3);
  if (call.out[0].dtype == kI64) return argsort_as<int64_t>(call, s);
  argsort_as<int32_t>(call, s);
}

void top_k(const Call& call) {
  Shape s = read_shape(call, 2, 3);
  const int64_t k = ints<TopKInts>(call).k;
  if (k < 0 || k > s.n) fail(call, "k", k, s.n);
  s.descending = true;
  const char* x = raw_input(call, 0, s.rows * s.n);
  char* values = raw_output(call, 0, checked_mul(call, s.rows, k));
  int32_t* indices = output<int32_t>(call, 1, s.rows * k);
  const int64_t item = item_size(call);
  by_key(call.in[0].dtype, [&](auto key) {
    using K = decltype(key);
    order_rows<K>(call, s, k, [&](int64_t r, const Keyed<K>* p) {
      write_values(x + r * s.n * item, values + r * k * item, item, p, k);
      for (int64_t i = 0; i < k; ++i) indices[r * k + i] = static_cast<int32_t>(p[i].number);
    });
  });
}

void in_top_k(const Call& call) {
  expect(call, 2, 1, 3, 0);
  const auto p = ints<InTopKInts>(call);
  const int64_t rows = p.rows, classes = p.classes, k = p.k, items = checked_mul(call, rows, classes);
  bool* y = output<bool>(call, 0, rows);
  by_dtype(call.in[1].dtype, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (is_float<T>) {
      const T* predictions = input<T>(call, 1, items);
      by_index(call, 0, rows, [&](auto targets) {
        parallel_range(rows, std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, classes)), [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            const int64_t target = targets[r];
            y[r] = false;
            if (target < 0 || target >= classes) continue;
            const T* row = predictions + r * classes;
            const auto own = widen(row[target]);
            int64_t larger = 0;
            for (int64_t c = 0; c < classes; ++c) larger += !(widen(row[c]) <= own);
            y[r] = own == own && larger < k;
          }
        });
      });
    } else {
      fail_dtype(call, "input", 1, call.in[1].dtype, "float16, bfloat16, float32 or float64");
    }
  });
}

void searchsorted(const Call& call) {
  expect(call, 2, 1, 3, 0);
  const auto p = ints<SearchInts>(call);
  const int64_t n = p.n, m = p.m;
  const bool right = p.right != 0;
  const bool wide = call.out[0].dtype == kI64;
  int64_t* out64 = wide ? output<int64_t>(call, 0, m) : nullptr;
  int32_t* out32 = wide ? nullptr : output<int32_t>(call, 0, m);
  by_dtype(call.in[0].dtype, [&](auto tag) {
    using T = decltype(tag);
    const T *sorted = input<T>(call, 0, n), *values = input<T>(call, 1, m);
    parallel_range(m, 1 << 10, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto key = sort_key(values[i]);
        int64_t low = 0, high = n;
        while (low < high) {
          const int64_t middle = low + (high - low) / 2;
          const auto other = sort_key(sorted[middle]);
          if (other < key || (right && other == key)) {
            low = middle + 1;
          } else {
            high = middle;
          }
        }
        if (wide) {
          out64[i] = low;
        } else {
          out32[i] = static_cast<int32_t>(low);
        }
      }
    });
  });
}

}  // namespace KG_NS

KG_REGISTER(sort, SortInts::names);
KG_REGISTER(argsort, SortInts::names);
KG_REGISTER(top_k, TopKInts::names);
KG_REGISTER(in_top_k, InTopKInts::names);
KG_REGISTER(searchsorted, SearchInts::names);
