// Permuted and broadcast copies, and the strided copy under them.
//
// transpose     in: x of shape dims, out: y with y.shape[d] = dims[perm[d]].  ints: ndim, dims..., perm...
// broadcast_to  in: x of shape dims, out: y of shape out_dims; a dim of 1 is repeated.  ints: ndim, dims..., out_dims...
// Any dtype, the same on both sides. Threads take fixed ranges of rows or tiles of the output.
//
// After collapsing dimensions a copy is one of three things: rows that are contiguous on both sides (memcpy), a batch of matrix
// transposes (the input is contiguous along another dimension than the output: tiles, so that both sides use whole cache
// lines), or a gather with a stride.
#include <utility>

#include "movement.h"
#include "vec.h"

namespace KG_NS {
namespace {

constexpr int64_t kTile = 64;

// Interleaves the lanes of a and b: a0 b0 a1 b1 ...
template <int... K> inline void interleave(vu a, vu b, vu& low, vu& high, std::integer_sequence<int, K...>) {
#if defined(__clang__) || __GNUC__ >= 12
  low = __builtin_shufflevector(a, b, (K % 2 ? kLanes + K / 2 : K / 2)...);
  high = __builtin_shufflevector(a, b, (K % 2 ? kLanes + (kLanes + K) / 2 : (kLanes + K) / 2)...);
#else
  low = __builtin_shuffle(a, b, vi{(K % 2 ? kLanes + K / 2 : K / 2)...});
  high = __builtin_shuffle(a, b, vi{(K % 2 ? kLanes + (kLanes + K) / 2 : (kLanes + K) / 2)...});
#endif
}

// A kLanes x kLanes transpose: log2(kLanes) rounds, each interleaving row i with row i + kLanes / 2.
inline void transpose_lanes(const uint32_t* in, int64_t in_pitch, uint32_t* out, int64_t out_pitch) {
  vu r[kLanes], t[kLanes];
  for (int k = 0; k < kLanes; ++k) r[k] = load<vu>(in + k * in_pitch);
#pragma GCC unroll 4
  for (int round = 1; round < kLanes; round *= 2) {
#pragma GCC unroll 8
    for (int k = 0; k < kLanes / 2; ++k)
      interleave(r[k], r[k + kLanes / 2], t[2 * k], t[2 * k + 1], std::make_integer_sequence<int, kLanes>());
#pragma GCC unroll 16
    for (int k = 0; k < kLanes; ++k) r[k] = t[k];
  }
  for (int k = 0; k < kLanes; ++k) store(out + k * out_pitch, r[k]);
}

// out[j * out_pitch + k] = in[k * in_pitch + j] for j < nj, k < nk.
template <class W> void transpose_tile(const W* in, int64_t in_pitch, W* out, int64_t out_pitch, int64_t nj, int64_t nk) {
  int64_t j0 = 0;
  if constexpr (sizeof(W) == 4) {
    const int64_t whole_k = nk / kLanes * kLanes;
    for (; j0 + kLanes <= nj; j0 += kLanes) {
      for (int64_t k = 0; k < whole_k; k += kLanes)
        transpose_lanes(in + k * in_pitch + j0, in_pitch, out + j0 * out_pitch + k, out_pitch);
      for (int64_t j = j0; j < j0 + kLanes; ++j)
        for (int64_t k = whole_k; k < nk; ++k) out[j * out_pitch + k] = in[k * in_pitch + j];
    }
  }
  for (int64_t j = j0; j < nj; ++j)
    for (int64_t k = 0; k < nk; ++k) out[j * out_pitch + k] = in[k * in_pitch + j];
}

// Walks all dimensions of `s` but the `skip` last ones: where item number `index` of them starts.
inline void locate(const Strided& s, int skip, int64_t index, int64_t& in_at, int64_t& out_at) {
  in_at = out_at = 0;
  for (int d = s.ndim - 1 - skip; d >= 0; --d) {
    const int64_t c = index % s.dims[d];
    index /= s.dims[d];
    in_at += c * s.in[d];
    out_at += c * s.out[d];
  }
}

// The same for one item after another, without divisions.
struct Walk {
  const Strided& s;
  int last;  // dimensions 0 .. last are walked
  int64_t in_at, out_at, at[kMaxDims];
  Walk(const Strided& view, int skip, int64_t index) : s(view), last(view.ndim - 1 - skip) {
    locate(s, skip, index, in_at, out_at);
    for (int d = last; d >= 0; --d) {
      at[d] = index % s.dims[d];
      index /= s.dims[d];
    }
  }
  void next() {
    for (int d = last; d >= 0; --d) {
      in_at += s.in[d];
      out_at += s.out[d];
      if (++at[d] < s.dims[d]) return;
      in_at -= s.in[d] * s.dims[d];
      out_at -= s.out[d] * s.dims[d];
      at[d] = 0;
    }
  }
};

inline int64_t outer_count(const Strided& s, int skip) {
  int64_t n = 1;
  for (int d = 0; d < s.ndim - skip; ++d) n *= s.dims[d];
  return n;
}

// The last two dimensions of s are j (contiguous in the input) and k (contiguous in the output).
template <class W> void copy_tiles(const W* in, W* out, const Strided& s) {
  const int64_t nj = s.dims[s.ndim - 2], nk = s.dims[s.ndim - 1];
  const int64_t in_pitch = s.in[s.ndim - 1], out_pitch = s.out[s.ndim - 2];
  const int64_t tiles_j = (nj + kTile - 1) / kTile, tiles_k = (nk + kTile - 1) / kTile;
  const int64_t per_tile = std::min(nj, kTile) * std::min(nk, kTile) * int64_t(sizeof(W));
  parallel_range(outer_count(s, 2) * tiles_j * tiles_k, std::max<int64_t>(1, kCopyGrain / per_tile),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t t = begin; t < end; ++t) {
                     int64_t in_at, out_at;
                     locate(s, 2, t / (tiles_j * tiles_k), in_at, out_at);
                     const int64_t j = t / tiles_k % tiles_j * kTile, k = t % tiles_k * kTile;
                     transpose_tile(in + in_at + k * in_pitch + j, in_pitch, out + out_at + j * out_pitch + k, out_pitch,
                                    std::min(kTile, nj - j), std::min(kTile, nk - k));
                   }
                 });
}

// n items, each side with its step.
template <class W> inline void copy_run(const W* in, W* out, int64_t in_step, int64_t out_step, int64_t n) {
  if (n <= 0) return;
  if (in_step == 1 && out_step == 1) {
    std::memcpy(out, in, static_cast<size_t>(n) * sizeof(W));
  } else if (in_step == 0 && out_step == 1) {
    std::fill(out, out + n, *in);
  } else if (out_step == 1) {
    for (int64_t k = 0; k < n; ++k) out[k] = in[k * in_step];
  } else {
    for (int64_t k = 0; k < n; ++k) out[k * out_step] = in[k * in_step];
  }
}

template <class W> void copy_strided(const W* in, W* out, const Strided& s) {
  const int last = s.ndim - 1;
  const int64_t n = s.dims[last], in_step = s.in[last], out_step = s.out[last];
  const int64_t rows = outer_count(s, 1);
  const int64_t parts = std::max<int64_t>(1, n * int64_t(sizeof(W)) / (2 * kCopyGrain));  // of one long row
  const int64_t part = (n + parts - 1) / parts;
  if (parts > 1) {
    return parallel_for(rows * parts, [&](int64_t t) {
      int64_t in_at, out_at;
      locate(s, 1, t / parts, in_at, out_at);
      const int64_t first = t % parts * part;
      copy_run(in + in_at + first * in_step, out + out_at + first * out_step, in_step, out_step, std::min(part, n - first));
    });
  }
  parallel_range(rows, std::max<int64_t>(1, kCopyGrain / (n * int64_t(sizeof(W)))), [&](int64_t begin, int64_t end) {
    Walk walk(s, 1, begin);
    for (int64_t r = begin; r < end; ++r, walk.next()) copy_run(in + walk.in_at, out + walk.out_at, in_step, out_step, n);
  });
}

template <class W> void copy_view(const W* in, W* out, Strided s) {
  const int last = s.ndim - 1;
  if (s.out[last] == 1 && s.in[last] != 1) {
    for (int d = 0; d < last; ++d) {
      if (s.in[d] != 1) continue;
      // Move dimension d next to the last one; the order of the others does not matter.
      std::rotate(s.dims + d, s.dims + d + 1, s.dims + last);
      std::rotate(s.in + d, s.in + d + 1, s.in + last);
      std::rotate(s.out + d, s.out + d + 1, s.out + last);
      return copy_tiles(in, out, s);
    }
  }
  copy_strided(in, out, s);
}

}  // namespace

void strided_copy(const char* in, char* out, int64_t item, const Strided& view) {
  const Strided s = collapse(view);
  by_item_size(item, [&](auto word) {
    using W = decltype(word);
    copy_view(reinterpret_cast<const W*>(in), reinterpret_cast<W*>(out), s);
  });
}

KG_INTS_AND_LISTS(TransposeInts, "dims..., perm...", ndim);
KG_INTS_AND_LISTS(BroadcastInts, "dims..., shape...", ndim);

void transpose(const Call& call) {
  expect(call, 1, 1, 1, 0);
  const int ndim = read_ndim(call, 0, 2);
  const int64_t *dims = call.i + 1, *perm = dims + ndim;
  const int64_t count = product(call, dims, ndim);
  const char* in = raw_input(call, 0, count);
  char* out = raw_output(call, 0, count);
  int64_t stride[kMaxDims], out_stride = count;
  int64_t step = 1;
  for (int d = ndim - 1; d >= 0; --d) {
    stride[d] = step;
    step *= dims[d];
  }
  bool seen[kMaxDims] = {};
  Strided view;
  for (int d = 0; d < ndim; ++d) {
    const int64_t p = perm[d];
    if (p < 0 || p >= ndim || seen[p]) fail_message(call, "perm is not a permutation of the dimensions");
    seen[p] = true;
    if (dims[p] > 0) out_stride /= dims[p];
    view.add(dims[p], stride[p], out_stride);
  }
  if (count > 0) strided_copy(in, out, item_size(call), view);
}

void broadcast_to(const Call& call) {
  expect(call, 1, 1, 1, 0);
  const int ndim = read_ndim(call, 0, 2);
  const int64_t *dims = call.i + 1, *out_dims = dims + ndim;
  const int64_t count = product(call, out_dims, ndim);
  const char* in = raw_input(call, 0, product(call, dims, ndim));
  char* out = raw_output(call, 0, count);
  Strided view;
  int64_t in_stride[kMaxDims], step = 1, out_stride = count;
  for (int d = ndim - 1; d >= 0; --d) {
    if (dims[d] != out_dims[d] && dims[d] != 1) fail(call, "dimension to repeat", dims[d], out_dims[d]);
    in_stride[d] = dims[d] == 1 ? 0 : step;
    step *= dims[d];
  }
  if (count == 0) return;
  for (int d = 0; d < ndim; ++d) {
    out_stride /= out_dims[d];
    view.add(out_dims[d], in_stride[d], out_stride);
  }
  strided_copy(in, out, item_size(call), view);
}

}  // namespace KG_NS

KG_REGISTER(transpose, TransposeInts::names);
KG_REGISTER(broadcast_to, BroadcastInts::names);
