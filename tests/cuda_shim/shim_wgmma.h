// wgmma on the CPU, computed from its documentation: descriptors, layouts in shared memory, swizzles, asynchronous results.
//
// What wgmma reads is the view of the "async proxy": a second copy of shared memory, into which fence_async() brings what this thread
// wrote (store_shared, cp.async that it waited for) and which is NaN before and from the start of a cp.async on. A product is computed when it
// is started and again when it is waited for: if the two differ, memory changed under it. Sums are NaN in between.
#pragma once

namespace kg_shim {

constexpr int kMostProducts = 64, kMostSums = 8, kSumsOfThread = 128, kLogLength = 256;

struct Operands {
  uint64_t a, b;
};

struct Product {
  Operands of;
  void (*multiply)(const Operands& of, float* out);
  int group, sums, count;
  float early[kSumsOfThread];
};

struct Sums {
  float* d;
  int running;
  float value[kSumsOfThread];
};

struct AsyncState {  // of a thread
  Product product[kMostProducts];
  Sums sums[kMostSums];
  int n_sums, group;
  bool fenced;
  unsigned long long started, block;
};

struct Started {  // what a warpgroup's warps must agree on
  unsigned long long number, block;
  Operands of;
};
static Started started_log[kMaxThreads / 128][kLogLength];

inline AsyncState& async_state() {
  Fiber& f = *m.now;
  if (!f.async) f.async = calloc(1, sizeof(AsyncState));
  AsyncState& s = *static_cast<AsyncState*>(f.async);
  if (s.block != m.block_number) {
    s.block = m.block_number;
    s.n_sums = s.group = 0;
    s.started = 0;
    s.fenced = false;
  }
  return s;
}

// Address of element (i, k) of an operand, i along m or n; PTX ISA, "strides" and "canonical layouts" of wgmma.
inline uint32_t element_address(uint64_t d, bool wide, int item, int i, int k) {
  const uint32_t start = (d & 0x3fff) << 4, leading = (d >> 16 & 0x3fff) << 4, stride = (d >> 32 & 0x3fff) << 4;
  const int mode = int(d >> 62);  // 0 none, 1 128 bytes, 2 64 bytes, 3 32 bytes
  const int row = mode == 0 ? 16 : 256 >> mode, bits = mode == 0 ? 0 : 4 - mode;
  uint32_t at = start;
  if (!wide && mode == 0)
    at += i / 8 * stride + i % 8 * 16 + k * item / 16 * leading + k * item % 16;
  else if (!wide)
    at += i / 8 * stride + i % 8 * row + k * item;
  else if (mode == 0)
    at += i / 8 * stride + i % 8 * item + k % 8 * 16 + k / 8 * leading;
  else
    at += i / (row / item) * leading + i % (row / item) * item + k % 8 * row + k / 8 * stride;
  return at ^ ((at >> 7 & ((1u << bits) - 1)) << 4);
}

inline void check_descriptor(uint64_t d) {
  const int mode = int(d >> 62);
  const uint32_t start = (d & 0x3fff) << 4, lines = mode == 0 ? 0 : (1u << (4 - mode)) - 1;
  if ((d >> 49 & 7) || (start >> 7 & lines)) stop("a swizzled operand begins within a pattern", __LINE__);
}

template <class T> inline float operand(uint64_t d, bool wide, int i, int k) {
  const uint32_t at = element_address(d, wide, sizeof(T), i, k) - kSharedBase;
  if (at + sizeof(T) > unsigned(m.dynamic_bytes)) stop("a descriptor leads out of shared memory", __LINE__);
  T x;
  memcpy(&x, async_view + at, sizeof(T));
  if constexpr (sizeof(T) == 4) {
    uint32_t u;
    memcpy(&u, &x, 4);
    u &= 0xffffe000u;  // the rest is ignored
    memcpy(&x, &u, 4);
    return x;
  } else {
    return kg::widen(x);
  }
}

// The products that belong to this thread: rows g and g + 8 of its warp's 16, columns 8j + 2t and the next.
template <class T, bool wide_a, bool wide_b, int n8> inline void multiply(const Operands& of, float* out) {
  constexpr int depth = 32 / sizeof(T);
  const int lane = m.now_index & 31, top = m.now_index / 32 % 4 * 16 + lane / 4;
  float a[2][depth];
  for (int h = 0; h < 2; ++h)
    for (int k = 0; k < depth; ++k) a[h][k] = operand<T>(of.a, wide_a, top + 8 * h, k);
  for (int j = 0; j < n8; ++j)
    for (int e = 0; e < 2; ++e) {
      float x = 0, y = 0;
      for (int k = 0; k < depth; ++k) {
        const float b = operand<T>(of.b, wide_b, 8 * j + 2 * (lane % 4) + e, k);
        x += a[0][k] * b;
        y += a[1][k] * b;
      }
      out[4 * j + e] = x;
      out[4 * j + 2 + e] = y;
    }
}

inline bool is_poison(const float* d, int count) {
  for (int e = 0; e < count; ++e) {
    uint32_t u;
    memcpy(&u, d + e, 4);
    if (u != 0xffffffffu) return false;
  }
  return true;
}

inline void start(const Operands& of, float* d, int count, void (*multiply)(const Operands&, float*)) {
  AsyncState& s = async_state();
  Fiber& f = *m.now;
  if ((m.now_index | 127) >= m.n_threads) stop("wgmma needs four warps", __LINE__);
  const Slot* all = publish(of, __LINE__);
  for (int k = 0; k < 32; ++k) {
    const Operands other = published<Operands>(all, k);
    if (other.a != of.a || other.b != of.b) stop("threads of a warp give wgmma different descriptors", __LINE__);
  }
  Started& log = started_log[m.now_index / 128][s.started % kLogLength];
  if (log.number == s.started && log.block == m.block_number) {
    if (log.of.a != of.a || log.of.b != of.b) stop("warps of a warpgroup give wgmma different descriptors", __LINE__);
  } else {
    log = {s.started, m.block_number, of};
  }
  ++s.started;
  check_descriptor(of.a);
  check_descriptor(of.b);
  int k = 0;
  while (k < s.n_sums && s.sums[k].d != d) ++k;
  if (k == s.n_sums || s.sums[k].running == 0) {
    if (!s.fenced) stop("the first wgmma on sums that ordinary code had needs wgmma_fence", __LINE__);
    if (k == kMostSums) stop("too many sums", __LINE__);
    if (k == s.n_sums) ++s.n_sums;
    s.sums[k].d = d;
    s.sums[k].running = 0;
    memcpy(s.sums[k].value, d, sizeof(float) * count);
    memset(d, 0xff, sizeof(float) * count);
  } else if (!is_poison(d, count)) {
    stop("sums were changed while a wgmma adds to them", __LINE__);
  }
  if (f.n_products == kMostProducts) stop("too many products in flight", __LINE__);
  Product& p = s.product[f.n_products++];
  p.of = of;
  p.multiply = multiply;
  p.group = s.group;
  p.sums = k;
  p.count = count;
  ++s.sums[k].running;
  multiply(of, p.early);
}

inline void finish(AsyncState& s, const Product& p) {
  Sums& sums = s.sums[p.sums];
  float late[kSumsOfThread];
  p.multiply(p.of, late);
  for (int e = 0; e < p.count; ++e) {
    const bool none = late[e] != late[e] && p.early[e] != p.early[e];
    if (!none && late[e] != p.early[e]) stop("shared memory was overwritten while a wgmma reads it", __LINE__);
    sums.value[e] += p.early[e];
  }
  if (!is_poison(sums.d, p.count)) stop("sums were changed while a wgmma adds to them", __LINE__);
  if (--sums.running == 0) {
    memcpy(sums.d, sums.value, sizeof(float) * p.count);
    s.fenced = false;
  }
}

}  // namespace kg_shim

namespace kg {

inline uint64_t descriptor(const void* panel, uint32_t leading, uint32_t stride) {
  return uint64_t((shared_address(panel) & 0x3ffff) >> 4) | uint64_t(leading >> 4) << 16 | uint64_t(stride >> 4) << 32 | 1ull << 62;
}
inline void wgmma_fence() {
  kg_shim::warp_barrier(__LINE__);
  kg_shim::async_state().fenced = true;
}
template <class T, bool wide_a, bool wide_b, int n8> inline void wgmma(float (&d)[n8][4], uint64_t a, uint64_t b) {
  kg_shim::start({a, b}, &d[0][0], 4 * n8, &kg_shim::multiply<T, wide_a, wide_b, n8>);
}
inline void wgmma_commit() { ++kg_shim::async_state().group; }
template <int n> inline void wgmma_wait() {
  kg_shim::warp_barrier(__LINE__);
  kg_shim::AsyncState& s = kg_shim::async_state();
  kg_shim::Fiber& f = *kg_shim::m.now;
  int done = 0;
  while (done < f.n_products && s.product[done].group < s.group - n) kg_shim::finish(s, s.product[done++]);
  for (int k = done; k < f.n_products; ++k) s.product[k - done] = s.product[k];
  f.n_products -= done;
}
template <int n8> inline void wgmma_keep(float (&)[n8][4]) {}
inline void fence_async() {
  kg_shim::Fiber& f = *kg_shim::m.now;
  for (int k = 0; k < f.n_written; ++k) kg_shim::show(f.written[k].at, f.written[k].bytes);
  f.n_written = 0;
}
template <class P> inline void store_shared(P* p, const P& x) {
  *p = x;
  kg_shim::note_written(p, sizeof(P));
}

}  // namespace kg
