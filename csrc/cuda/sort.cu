// Sorting rows of (key, number) pairs, for sort, argsort, top_k, permutation and the order of scatter and bincount.
//
// A bitonic network (Batcher 1968) over rows padded to a power of two P: for k = 2, 4, .. P and j = k / 2, .. 1, element i is exchanged
// with i ^ j so that runs of k ascend and descend in turns. Numbers make all pairs different, so the order is stable; padding has the
// largest key and numbers from n on, so it ends up last. sort_tiles does all k up to a tile of 2048 pairs in shared memory;
// above that, merge_far does one step (k, j) in global memory and merge_tiles the steps j < 2048 of one k.
//
// Grid: one block of 256 threads for each tile of 2048 pairs. Shared memory: 2048 keys and numbers, at most 24 KiB.
// Defines: KG_K uint32_t or uint64_t the key; KG_T the dtype of the values (make_keys); KG_I of indices; KG_PART what a module holds.
#include "numeric.cuh"

namespace kg {

typedef KG_K K;
constexpr int kTile = 2048;

// A key with the order of the values; -0 and 0 are equal, every NaN is last (csrc/cpu/sort.h).
template <class T> KG_DEVICE K sort_key(T x) {
  if constexpr (is_half<T>) {
    return sort_key(to_float(x));
  } else if constexpr (is_float<T>) {
    constexpr K sign = K(1) << (8 * sizeof(K) - 1);
    if (x != x) return ~K(0);
    const T value = x == 0 ? T(0) : x;
    K bits;
    if constexpr (sizeof(T) == 8)
      bits = double_bits(value);
    else
      bits = float_bits(value);
    return bits & sign ? ~bits : bits | sign;
  } else if constexpr (is_same<T, bool>) {
    return K(x ? 1 : 0);
  } else if constexpr (is_signed<T>) {
    return (K)(int64_t)x ^ (K(1) << (8 * sizeof(K) - 1));
  } else {
    return (K)x;
  }
}

#if KG_PART == 0  // the network

struct Params {
  K* keys;
  uint32_t* numbers;
  int64_t length, k, j;  // a power of two: pairs of a row; the step
};

KG_DEVICE bool before(K a, uint32_t m, K b, uint32_t n) { return a < b || (a == b && m < n); }

// Step (k, j) of a tile in shared memory; base: the tile's first place in its row.
KG_DEVICE void exchange(K* keys, uint32_t* numbers, int64_t base, int64_t k, int j) {
  for (int q = thread_index(); q < kTile / 2; q += 256) {
    const int i = 2 * q - (q & (j - 1)), other = i + j;
    const bool ascending = ((base + i) & k) == 0;
    if (before(keys[other], numbers[other], keys[i], numbers[i]) == ascending) {
      const K key = keys[i];
      keys[i] = keys[other];
      keys[other] = key;
      const uint32_t number = numbers[i];
      numbers[i] = numbers[other];
      numbers[other] = number;
    }
  }
}

KG_DEVICE void run_tile(const Params& p, int64_t first_k, int64_t last_k, K* keys, uint32_t* numbers) {
  const int64_t begin = (int64_t)blockIdx.x * kTile;
  for (int q = thread_index(); q < kTile; q += 256) {
    keys[q] = p.keys[begin + q];
    numbers[q] = p.numbers[begin + q];
  }
  for (int64_t k = first_k; k <= last_k; k *= 2)
    for (int j = k / 2 < kTile / 2 ? (int)(k / 2) : kTile / 2; j > 0; j /= 2) {
      sync_block();
      // k = length ascends everywhere: the place in the row has no such bit.
      exchange(keys, numbers, begin & (p.length - 1), k == p.length ? 0 : k, j);
    }
  sync_block();
  for (int q = thread_index(); q < kTile; q += 256) {
    p.keys[begin + q] = keys[q];
    p.numbers[begin + q] = numbers[q];
  }
}
KG_KERNEL(sort_tiles, Params, 256) {
  KG_SHARED(K, keys, [kTile]);
  KG_SHARED(uint32_t, numbers, [kTile]);
  run_tile(p, 2, p.length < kTile ? p.length : kTile, keys, numbers);
}
KG_KERNEL(merge_tiles, Params, 256) {
  KG_SHARED(K, keys, [kTile]);
  KG_SHARED(uint32_t, numbers, [kTile]);
  run_tile(p, p.k, p.k, keys, numbers);
}
KG_KERNEL(merge_far, Params, 256) {
  for (int q = thread_index(); q < kTile / 2; q += 256) {
    const int64_t t = (int64_t)blockIdx.x * (kTile / 2) + q, i = 2 * t - (t & (p.j - 1)), other = i + p.j;
    const bool ascending = (i & (p.length - 1) & p.k) == 0 || p.k == p.length;
    const K a = p.keys[i], b = p.keys[other];
    const uint32_t m = p.numbers[i], n = p.numbers[other];
    if (before(b, n, a, m) == ascending) {
      p.keys[i] = b;
      p.keys[other] = a;
      p.numbers[i] = n;
      p.numbers[other] = m;
    }
  }
}

#elif KG_PART == 1  // keys of values

typedef KG_T T;
struct KeyParams {
  const T* x;
  K* keys;
  uint32_t* numbers;
  int64_t pairs, length, rows, n;
  int32_t descending;
};
KG_KERNEL(make_keys, KeyParams, 256) {
  for (int64_t e = global_index(); e < p.pairs; e += global_size()) {
    const int64_t row = e / p.length, i = e - row * p.length;
    K key = ~K(0);
    if (row < p.rows && i < p.n) {
      key = sort_key(p.x[row * p.n + i]);
      if (p.descending) key = ~key;
    }
    p.keys[e] = key;
    p.numbers[e] = (uint32_t)i;
  }
}

#elif KG_PART == 2  // results: the first `take` pairs of every row

typedef KG_W W;
typedef KG_I I;
struct WriteParams {
  const uint32_t* numbers;
  const W* x;  // null: no values
  W* values;
  I* indices;  // null: no indices
  int64_t rows, n, take, length;
};
KG_KERNEL(write_sorted, WriteParams, 256) {
  for (int64_t e = global_index(); e < p.rows * p.take; e += global_size()) {
    const int64_t row = e / p.take, i = e - row * p.take;
    const uint32_t number = p.numbers[row * p.length + i];
    if (p.values) p.values[e] = p.x[row * p.n + number];
    if (p.indices) p.indices[e] = (I)number;
  }
}

#elif KG_PART == 3  // search

typedef KG_T T;
typedef KG_I I;
// positions[i]: how many of sorted[0 .. n) come before values[i] (right: or equal it).
struct SearchParams {
  const T *sorted, *values;
  I* positions;
  int64_t n, m;
  int32_t right;
};
KG_KERNEL(searchsorted, SearchParams, 256) {
  for (int64_t i = global_index(); i < p.m; i += global_size()) {
    const K key = sort_key(p.values[i]);
    int64_t low = 0, high = p.n;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      const K other = sort_key(p.sorted[middle]);
      if (other < key || (p.right && other == key))
        low = middle + 1;
      else
        high = middle;
    }
    p.positions[i] = (I)low;
  }
}

#else  // in_top_k: a warp takes a row

typedef KG_T T;
typedef KG_I I;
struct TopParams {
  const I* targets;
  const T* predictions;
  bool* y;
  int64_t rows, classes, k;
};
KG_KERNEL(in_top_k, TopParams, 256) {
  const int64_t row = (int64_t)blockIdx.x * 8 + warp_index();
  if (row >= p.rows) return;
  const int64_t target = p.targets[row];
  const bool known = target >= 0 && target < p.classes;
  const T* x = p.predictions + row * p.classes;
  const auto own = widen(x[known ? target : 0]);
  int larger = 0;
  for (int64_t c = lane_index(); c < p.classes; c += 32) larger += !(widen(x[c]) <= own);
  for (int d = 16; d > 0; d /= 2) larger += shuffle_xor(larger, d);
  if (lane_index() == 0) p.y[row] = known && own == own && larger < p.k;
}

#endif

}  // namespace kg
