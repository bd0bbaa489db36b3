// Writing by index in a fixed order: out[indices[k], :] = op(out[indices[k], :], updates[k, :]) for k = 0, 1, ..., count - 1.
//
// scatter_keys   key[k] = the row that update k goes to, `rows` where it goes nowhere; bincount_keys: the counter r * length + value.
// Then (key, k) pairs are sorted (sort.cu), so that the updates of one row are neighbours in the order of k.
// scatter_runs   a thread takes column c of the first pair of a run and folds the whole run into out: every element sees its updates
//                in the order of k, on every run and every GPU, without atomic operations. count * inner threads, most of which end at once.
//
// add rounds to T after each update, as csrc/cpu/scatter.cpp; max and min keep NaN. Grid: 256 threads a block. No shared memory.
// Defines: KG_K the key; KG_I, KG_T dtypes; KG_OP add, update, maximum or minimum; KG_PART what a module holds.
#include "numeric.cuh"

namespace kg {

typedef KG_K K;

#if KG_PART == 0

struct KeyParams {
  const void* indices;
  K* keys;
  uint32_t* numbers;
  int64_t pairs, count, rows;
  int64_t n;  // bincount: values of a row
  int32_t dtype, wrap;
};
// wrap: negative indices count from the end. n > 0: row r = k / n has counters of its own.
KG_KERNEL(scatter_keys, KeyParams, 256) {
  for (int64_t k = global_index(); k < p.pairs; k += global_size()) {
    K key = ~K(0);
    if (k < p.count) {
      int64_t r = load_as<int64_t>(p.indices, p.dtype, k);
      if (p.wrap && r < 0) r += p.rows;
      if (r >= 0 && r < p.rows) key = (K)(p.n > 0 ? k / p.n * p.rows + r : r);
    }
    p.keys[k] = key;
    p.numbers[k] = (uint32_t)k;
  }
}

#else

typedef KG_T T;

struct Params {
  const K* keys;
  const uint32_t* numbers;
  const T* updates;  // null: ones
  T* out;
  int64_t count, inner;
};

template <class T> KG_DEVICE T add(T old, T update) {
  if constexpr (is_same<T, bool>)
    return old || update;
  else if constexpr (is_float<T>)
    return narrow<T>(widen(old) + widen(update));
  else
    return (T)((uint64_t)old + (uint64_t)update);
}
template <class T> KG_DEVICE T update(T, T value) { return value; }
template <class T> KG_DEVICE T maximum(T old, T value) {
  const auto a = widen(old), b = widen(value);
  return a > b || a != a ? old : value;
}
template <class T> KG_DEVICE T minimum(T old, T value) {
  const auto a = widen(old), b = widen(value);
  return a < b || a != a ? old : value;
}

KG_KERNEL(scatter_runs, Params, 256) {
  for (int64_t e = global_index(); e < p.count * p.inner; e += global_size()) {
    const int64_t q = e / p.inner, c = e - q * p.inner;
    const K key = p.keys[q];
    if (key == ~K(0) || (q > 0 && p.keys[q - 1] == key)) continue;
    T* to = p.out + (int64_t)key * p.inner + c;
    T value = *to;
    for (int64_t r = q; r < p.count && p.keys[r] == key; ++r)
      value = KG_OP<T>(value, p.updates ? p.updates[p.numbers[r] * p.inner + c] : convert<T>(1));
    *to = value;
  }
}

#endif

}  // namespace kg
