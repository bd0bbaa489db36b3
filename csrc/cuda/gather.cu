// Reading by index; csrc/cpu/gather.cpp defines each kernel. Nothing outside an array is ever read.
//
// take            y[o, c, i] = x[o, indices[c], i]              x (outer, n, inner), y (outer, count, inner)
// take_along      y[o, c, i] = x[o, indices[o, c, i], i]
// count_outside   bad[0] = how many of `count` indices are outside [-n, n); one block
// ravel_indices   flat[k] = row-major number of index tuple k in a box
//
// One element of the output a thread, 256 threads a block, a stride of the whole grid. Shared memory: 8 counts (count_outside).
// Defines: KG_W a word; KG_I the type of the indices; KG_PART which kernels a module holds.
#include "block.cuh"

namespace kg {

enum Mode { kFill, kClip, kWrap };

// Maps an index to [0, n), or to -1 where it is outside and the mode is kFill.
KG_DEVICE int64_t resolve(int64_t k, int64_t n, int mode) {
  if (mode == kWrap) return n > 0 ? (k % n + n) % n : -1;
  if (k < 0 && k >= -n) k += n;
  if (k >= 0 && k < n) return k;
  if (mode == kFill || n == 0) return -1;
  return k < 0 ? 0 : n - 1;
}

#if KG_PART == 0  // take

typedef KG_W W;
typedef KG_I I;
struct Params {
  const W* x;
  const I* indices;
  W* y;
  int64_t size, n, inner, count;
  uint64_t missing;
  int32_t mode;
};
KG_KERNEL(take, Params, 256) {
  for (int64_t e = global_index(); e < p.size; e += global_size()) {
    const int64_t row = e / p.inner, i = e - row * p.inner, o = row / p.count, c = row - o * p.count;
    const int64_t k = resolve(p.indices[c], p.n, p.mode);
    p.y[e] = k < 0 ? (W)p.missing : p.x[(o * p.n + k) * p.inner + i];
  }
}
KG_KERNEL(take_along, Params, 256) {
  for (int64_t e = global_index(); e < p.size; e += global_size()) {
    const int64_t row = e / p.inner, i = e - row * p.inner, o = row / p.count;
    const int64_t k = resolve(p.indices[e], p.n, p.mode);
    p.y[e] = k < 0 ? (W)p.missing : p.x[(o * p.n + k) * p.inner + i];
  }
}

#elif KG_PART == 1  // indices alone

typedef KG_I I;
struct CountParams {
  const I* indices;
  int32_t* bad;
  int64_t count, n;
};
KG_KERNEL(count_outside, CountParams, 256) {
  KG_SHARED(int64_t, room, [8]);
  int64_t bad = 0;
  for (int64_t k = thread_index(); k < p.count; k += 256) bad += p.indices[k] < -p.n || p.indices[k] >= p.n;
  bad = join_block(bad, room, SumJoin());
  if (thread_index() == 0) *p.bad = bad > 0x7fffffff ? 0x7fffffff : (int32_t)bad;
}

constexpr int kDims = 16;
struct RavelParams {
  const I* indices;
  int64_t* flat;
  int64_t count, dims[kDims];
  int32_t ndim;
};
KG_KERNEL(ravel_indices, RavelParams, 256) {
  for (int64_t k = global_index(); k < p.count; k += global_size()) {
    int64_t at = 0;
    for (int d = 0; d < p.ndim; ++d) {
      const int64_t c = resolve(p.indices[k * p.ndim + d], p.dims[d], kFill);
      at = c < 0 || at < 0 ? -1 : at * p.dims[d] + c;
    }
    p.flat[k] = at < 0 ? (int64_t)((uint64_t)1 << 63) : at;
  }
}

#endif

}  // namespace kg
