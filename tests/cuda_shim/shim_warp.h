// Warp operations, atomics, asynchronous copies and tensor-core fragments of the CPU shim. Included by shim.h.
#pragma once

namespace kg {

// Lines of the wrappers below tell operations apart.
template <class T> inline T shuffle_down(T x, int d) {
  const kg_shim::Slot* all = kg_shim::publish(x, __LINE__);
  const int lane = kg_shim::m.now_index & 31;
  return kg_shim::published<T>(all, lane + d < 32 ? lane + d : lane);
}
template <class T> inline T shuffle_up(T x, int d) {
  const kg_shim::Slot* all = kg_shim::publish(x, __LINE__);
  const int lane = kg_shim::m.now_index & 31;
  return kg_shim::published<T>(all, lane >= d ? lane - d : lane);
}
template <class T> inline T shuffle_xor(T x, int d) {
  const kg_shim::Slot* all = kg_shim::publish(x, __LINE__);
  return kg_shim::published<T>(all, (kg_shim::m.now_index & 31) ^ d);
}
template <class T> inline T shuffle(T x, int lane) {
  const kg_shim::Slot* all = kg_shim::publish(x, __LINE__);
  return kg_shim::published<T>(all, lane & 31);
}
inline unsigned ballot(bool b) {
  const kg_shim::Slot* all = kg_shim::publish(b, __LINE__);
  unsigned bits = 0;
  for (int k = 0; k < 32; ++k) bits |= unsigned(kg_shim::published<bool>(all, k)) << k;
  return bits;
}
inline int popcount(unsigned x) { return __builtin_popcount(x); }
inline void fence_device() {}

// Blocks run one after the other in one thread: plain reads and writes are atomic.
template <class T> inline T atomic_add(T* p, T x) {
  const T old = *p;
  *p = old + x;
  return old;
}
template <class T> inline T atomic_max(T* p, T x) {
  const T old = *p;
  *p = old > x ? old : x;
  return old;
}
template <class T> inline T atomic_min(T* p, T x) {
  const T old = *p;
  *p = old < x ? old : x;
  return old;
}
template <class T> inline T atomic_cas(T* p, T expected, T x) {
  const T old = *p;
  if (old == expected) *p = x;
  return old;
}

inline uint32_t float_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}
inline float bits_float(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}
inline uint64_t double_bits(double x) {
  uint64_t u;
  memcpy(&u, &x, 8);
  return u;
}
inline double bits_double(uint64_t u) {
  double x;
  memcpy(&x, &u, 8);
  return x;
}

inline float half_value(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
  if (magnitude >= 0x7c00u)
    return bits_float(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13 | (magnitude > 0x7c00u ? 0x400000u : 0u));
  return bits_float(sign | float_bits(bits_float(magnitude << 13) * 0x1p112f));
}
inline uint16_t half_bits(float x) {
  const uint32_t u = float_bits(x), sign = u >> 16 & 0x8000u, magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (magnitude >= 0x477ff000u) return uint16_t(sign | 0x7c00u);
  if (magnitude < 0x38800000u) return uint16_t(sign | (float_bits(bits_float(magnitude) + 0.5f) - 0x3f000000u));
  return uint16_t(sign | (magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13);
}

inline uint32_t shared_address(const void* p) { return kg_shim::shared_address_of(p); }

template <int bytes> inline void copy_async(void* dst, const void* src, int valid) {
  kg_shim::Fiber& f = *kg_shim::m.now;
  if (!f.pending) f.pending = static_cast<kg_shim::Pending*>(malloc(sizeof(kg_shim::Pending) * kg_shim::kMaxPending));
  if (f.n_pending == kg_shim::kMaxPending) kg_shim::stop("too many asynchronous copies in flight", __LINE__);
  if (reinterpret_cast<uintptr_t>(dst) % bytes || (valid && reinterpret_cast<uintptr_t>(src) % bytes))
    kg_shim::stop("an asynchronous copy is not aligned", __LINE__);
  f.pending[f.n_pending++] = {dst, src, bytes, valid, f.group};
  memset(dst, 0xff, bytes);
  kg_shim::show(dst, bytes, false);
}
inline void commit_async() { ++kg_shim::m.now->group; }
template <int n> inline void wait_async() {
  kg_shim::Fiber& f = *kg_shim::m.now;
  int kept = 0;
  for (int k = 0; k < f.n_pending; ++k) {
    const kg_shim::Pending& c = f.pending[k];
    if (c.group >= f.group - n) {
      f.pending[kept++] = c;
      continue;
    }
    if (c.valid) memcpy(c.dst, c.src, size_t(c.valid));
    memset(static_cast<char*>(c.dst) + c.valid, 0, size_t(c.bytes - c.valid));
    kg_shim::note_written(c.dst, c.bytes);
  }
  f.n_pending = kept;
}

inline void load_matrices(uint32_t (&r)[4], const void* row, bool transposed) {
  const kg_shim::Slot* all = kg_shim::publish(row, __LINE__);
  const int lane = kg_shim::m.now_index & 31, g = lane / 4, t = lane % 4;
  for (int k = 0; k < 4; ++k) {
    uint16_t e[2];
    for (int j = 0; j < 2; ++j) {
      const int i = transposed ? 2 * t + j : g, c = transposed ? g : 2 * t + j;
      memcpy(&e[j], static_cast<const char*>(kg_shim::published<const void*>(all, 8 * k + i)) + 2 * c, 2);
    }
    r[k] = e[0] | uint32_t(e[1]) << 16;
  }
}
inline void load_matrix(uint32_t (&r)[4], const void* row) { load_matrices(r, row, false); }
inline void load_matrix_transposed(uint32_t (&r)[4], const void* row) { load_matrices(r, row, true); }

inline uint32_t to_tf32(float x) {
  const uint32_t u = float_bits(x);
  return (u & 0x7f800000u) == 0x7f800000u ? u : (u + 0x1000u) & 0xffffe000u;
}

struct Fragments {
  uint32_t a[4], b[2];
};
// Element (row, k) of A and (k, column) of B by `value(register, which half)`; sums in float, k in order.
template <int depth, class F> inline void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const F& value) {
  Fragments own;
  memcpy(own.a, a, sizeof(a));
  memcpy(own.b, b, sizeof(b));
  const kg_shim::Slot* all = kg_shim::publish(own, depth);
  constexpr int per = depth / 8;  // elements in a register
  const int lane = kg_shim::m.now_index & 31, g = lane / 4, t = lane % 4;
  for (int e = 0; e < 4; ++e) {
    const int row = g + (e / 2) * 8, column = 2 * t + e % 2;
    float sum = d[e];
    for (int k = 0; k < depth; ++k) {
      const int low = k % (4 * per), upper = k / (4 * per);
      const Fragments fa = kg_shim::published<Fragments>(all, (row % 8) * 4 + low / per);
      const Fragments fb = kg_shim::published<Fragments>(all, column * 4 + low / per);
      sum += value(fa.a[row / 8 + 2 * upper], low % per) * value(fb.b[upper], low % per);
    }
    d[e] = sum;
  }
}
inline void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  mma<8>(d, a, b, [](uint32_t r, int) { return bits_float(r & 0xffffe000u); });
}
inline void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  mma<16>(d, a, b, [](uint32_t r, int h) { return half_value(uint16_t(r >> 16 * h)); });
}
inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  mma<16>(d, a, b, [](uint32_t r, int h) { return bits_float((r >> 16 * h) << 16); });
}

}  // namespace kg
