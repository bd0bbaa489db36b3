// The device of csrc/cuda/dev.cuh on a CPU: every thread of a block is a fiber, blocks run one after the other.
//
// A scheduler runs one warp until all its threads wait at a block barrier, then the next ("warp-greedy"), forward, reverse or in
// random order: a missing barrier then shows as a wrong result, which taking turns between threads would hide. It reports threads
// that wait at different barriers or left while others wait. Shared memory starts as NaN; cp.async copies when it is waited for and
// the target is NaN until then.
#pragma once
#include <math.h>

#include "fiber.h"

#define KG_DEVICE inline
#define KG_DEVICE_CALL inline
#define KG_CONSTANT static const
#define KG_UNROLL
#define KG_LOOP

namespace kg_shim {

struct Dim3 {
  unsigned x, y, z;
};

enum State { kReady, kAtBarrier, kAtWarp, kPolling, kDone };
enum Schedule { kForward, kReverse, kRandom, kTurns };

struct Pending {  // one cp.async
  void* dst;
  const void* src;
  int bytes, valid, group;
};
constexpr int kMaxPending = 256;

// Kernels whose shared memory is also read by units of their own (wgmma): their writes are kept account of, see shim_wgmma.h.
#if defined(KG_MMA) && KG_MMA >= 2
constexpr bool kProxies = true;
#else
constexpr bool kProxies = false;
#endif
constexpr unsigned kSharedBase = 1024 + 128;  // address of dynamic shared memory: a multiple of 128, as dev.cuh promises, no more
struct Written {
  void* at;
  int bytes;
};
constexpr int kMaxWritten = 1024;

struct Fiber {
  Context context;
  Dim3 thread;
  State state;
  int site;  // line of the barrier it waits at
  unsigned warp_generation;
  Pending* pending;  // made when first needed
  int n_pending, group;
  Written* written;  // since the last fence_async
  void* async;       // AsyncState of shim_wgmma.h
  int n_written, n_products;
  // While kPolling, what it waits for (shim_tma.h).
  bool (*phase_ended)(const void*, unsigned);
  const void* polled;
  unsigned polled_phase;
};

struct alignas(16) Slot {
  unsigned char bytes[64];
};

constexpr int kMaxThreads = 1024;

struct Machine {
  Fiber fiber[kMaxThreads];
  Slot slot[2][kMaxThreads];
  Context scheduler;
  Fiber* now = nullptr;
  int now_index = 0, n_threads = 0;
  Dim3 block, grid_size, block_size;
  unsigned long long block_number = 0;  // counts blocks ever run: shared memory is poisoned when it changes
  unsigned char* dynamic = nullptr;
  int dynamic_bytes = 0;
  void (*body)(const void*) = nullptr;
  const void* params = nullptr;
  const char* error = nullptr;
  int error_site = 0;
  uint64_t random = 1;
  int n_copies = 0;  // of boxes, in flight
  void (*do_copy)(int) = nullptr;
  void (*drop_copy)(int) = nullptr;
};
static Machine m;
static unsigned char async_view[kProxies ? 256 << 10 : 1];

inline unsigned next_random() {
  m.random = m.random * 6364136223846793005ull + 1442695040888963407ull;
  return static_cast<unsigned>(m.random >> 33);
}

inline void yield_to_scheduler() { switch_context(&m.now->context, &m.scheduler); }

[[noreturn]] inline void stop(const char* error, int site) {
  m.error = error;
  m.error_site = site;
  for (;;) yield_to_scheduler();
}

inline void block_barrier(int site) {
  m.now->state = kAtBarrier;
  m.now->site = site;
  yield_to_scheduler();
}
inline void warp_barrier(int site) {
  m.now->state = kAtWarp;
  m.now->site = site;
  yield_to_scheduler();
}

inline void fiber_main() {
  for (;;) {
    m.body(m.params);
    m.now->state = kDone;
    if (m.now->n_pending) {
      m.error = "a thread ends with asynchronous copies that it never waited for";
      m.error_site = 0;
    } else if (m.now->n_products) {
      m.error = "a thread ends with products that it never waited for";
      m.error_site = 0;
    }
    yield_to_scheduler();
  }
}

inline void run_fiber(int k) {
  m.now = &m.fiber[k];
  m.now_index = k;
  switch_context(&m.scheduler, &m.now->context);
}

// Lets the threads of a warp go on when all that have not ended wait at the same place.
inline bool release_warp(int begin, int end) {
  int waiting = 0, live = 0, site = -1;
  bool same = true;
  for (int k = begin; k < end; ++k) {
    if (m.fiber[k].state == kDone) continue;
    ++live;
    if (m.fiber[k].state != kAtWarp) continue;
    ++waiting;
    if (site >= 0 && site != m.fiber[k].site) same = false;
    site = m.fiber[k].site;
  }
  if (waiting == 0 || waiting < live) return false;
  if (!same || live != end - begin) {
    m.error = !same ? "threads of a warp wait at different warp operations" : "a thread ended while its warp waits for it";
    m.error_site = site;
    return false;
  }
  for (int k = begin; k < end; ++k) m.fiber[k].state = kReady;
  return true;
}

inline bool run_warp(int begin, int end, Schedule schedule) {
  bool any = false;
  for (;;) {
    bool ran = false;
    const int n = end - begin, shift = schedule == kRandom ? static_cast<int>(next_random() % n) : 0;
    for (int j = 0; j < n; ++j) {
      const int k = begin + (schedule == kReverse ? n - 1 - j : (j + shift) % n);
      if (m.fiber[k].state != kReady) continue;
      run_fiber(k);
      ran = any = true;
      if (m.error) return true;
    }
    if (!ran && !release_warp(begin, end)) return any;
    if (m.error) return true;
    if (schedule == kTurns && ran) return true;
  }
}

inline void release_block() {
  int waiting = 0, live = 0, site = -1;
  bool same = true;
  for (int k = 0; k < m.n_threads; ++k) {
    if (m.fiber[k].state == kDone) continue;
    ++live;
    if (m.fiber[k].state != kAtBarrier) continue;
    ++waiting;
    if (site >= 0 && site != m.fiber[k].site) same = false;
    site = m.fiber[k].site;
  }
  m.error_site = site;
  if (waiting < live) {
    m.error = "some threads wait at a block barrier, others at a warp operation that never completes";
  } else if (live < m.n_threads) {
    m.error = "barrier divergence: some threads ended while others wait at a block barrier";
  } else if (!same) {
    m.error = "barrier divergence: threads wait at different block barriers";
  } else {
    for (int k = 0; k < m.n_threads; ++k) m.fiber[k].state = kReady;
  }
}

// Lets threads go on whose barrier in shared memory has ended its phase.
inline bool release_polling() {
  bool any = false;
  for (int k = 0; k < m.n_threads; ++k) {
    Fiber& f = m.fiber[k];
    if (f.state != kPolling || !f.phase_ended(f.polled, f.polled_phase)) continue;
    f.state = kReady;
    any = true;
  }
  return any;
}

// One copy of a box, any of those in flight.
inline bool finish_a_copy(Schedule schedule) {
  if (m.n_copies == 0) return false;
  const int k = schedule == kForward ? 0 : schedule == kReverse ? m.n_copies - 1 : static_cast<int>(next_random() % m.n_copies);
  m.do_copy(k);
  m.drop_copy(k);
  return true;
}

inline void run_block(Schedule schedule) {
  const int warps = (m.n_threads + 31) / 32;
  for (;;) {
    bool any = false;
    const int shift = schedule == kRandom ? static_cast<int>(next_random() % warps) : 0;
    for (int j = 0; j < warps; ++j) {
      const int w = schedule == kReverse ? warps - 1 - j : (j + shift) % warps;
      if (run_warp(32 * w, 32 * w + 32 < m.n_threads ? 32 * w + 32 : m.n_threads, schedule)) any = true;
      if (m.error) return;
    }
    if (kProxies) {
      if (any && schedule == kRandom && next_random() % 2) finish_a_copy(schedule);
      if (release_polling() || (!any && finish_a_copy(schedule))) continue;
    }
    if (any) continue;
    for (int k = 0; k < m.n_threads; ++k) {
      if (m.fiber[k].state != kPolling) continue;
      m.error = "threads wait at barriers in shared memory for what never comes";
      m.error_site = 0;
      return;
    }
    bool done = true;
    for (int k = 0; k < m.n_threads && done; ++k) done = m.fiber[k].state == kDone;
    if (done) return;
    release_block();
    if (m.error) return;
  }
}

struct Request {  // as in driver.py
  unsigned grid[3], block[3];
  int shared_bytes, params_bytes;
  const void* params;
  char* stacks;
  unsigned char* dynamic;
  int schedule;
  unsigned seed;
  const char* error;
  int error_site;
};

// 0 when every block ended.
inline int run(Request* r, size_t params_bytes, void (*body)(const void*)) {
  m.error = nullptr;
  m.error_site = 0;
  m.block_size = {r->block[0], r->block[1], r->block[2]};
  m.grid_size = {r->grid[0], r->grid[1], r->grid[2]};
  m.n_threads = static_cast<int>(r->block[0] * r->block[1] * r->block[2]);
  m.dynamic = r->dynamic;
  m.dynamic_bytes = r->shared_bytes;
  m.body = body;
  m.params = r->params;
  m.random = r->seed * 2654435761ull + 1;
  const Schedule schedule = static_cast<Schedule>(r->schedule);
  if (static_cast<size_t>(r->params_bytes) != params_bytes) m.error = "the parameter struct of the planner has another size";
  if (m.n_threads < 1 || m.n_threads > kMaxThreads) m.error = "bad number of threads in a block";
  const unsigned long long blocks = 1ull * r->grid[0] * r->grid[1] * r->grid[2];
  const unsigned long long shift = schedule == kRandom && blocks ? next_random() % blocks : 0;
  for (unsigned long long j = 0; j < blocks && !m.error; ++j) {
    const unsigned long long b = schedule == kReverse ? blocks - 1 - j : (j + shift) % blocks;
    m.block = {static_cast<unsigned>(b % r->grid[0]), static_cast<unsigned>(b / r->grid[0] % r->grid[1]),
               static_cast<unsigned>(b / r->grid[0] / r->grid[1])};
    ++m.block_number;
    memset(m.dynamic, 0xff, static_cast<size_t>(m.dynamic_bytes));
    m.n_copies = 0;
    memset(async_view, 0xff, kProxies ? static_cast<size_t>(m.dynamic_bytes) : 0);
    for (int k = 0; k < m.n_threads; ++k) {
      Fiber& f = m.fiber[k];
      const unsigned u = static_cast<unsigned>(k);
      f.thread = {u % r->block[0], u / r->block[0] % r->block[1], u / r->block[0] / r->block[1]};
      f.state = kReady;
      f.warp_generation = 0;
      f.n_pending = f.group = f.n_written = f.n_products = 0;
      make_context(&f.context, r->stacks + static_cast<size_t>(k) * kStackBytes, &fiber_main);
    }
    run_block(schedule);
  }
  r->error = m.error;
  r->error_site = m.error_site;
  return m.error != nullptr;
}

// The async view of [at, at + bytes) becomes what is there, or NaN.
inline void show(void* at, int bytes, bool there = true) {
  const auto offset = static_cast<unsigned char*>(at) - m.dynamic;
  if (!kProxies || offset < 0 || offset + bytes > m.dynamic_bytes) return;
  if (there)
    memcpy(async_view + offset, at, static_cast<size_t>(bytes));
  else
    memset(async_view + offset, 0xff, static_cast<size_t>(bytes));
}
inline void note_written(void* at, int bytes) {
  if (!kProxies) return;
  Fiber& f = *m.now;
  if (!f.written) f.written = static_cast<Written*>(malloc(sizeof(Written) * kMaxWritten));
  if (f.n_written == kMaxWritten) stop("many writes to shared memory and no fence_async", __LINE__);
  f.written[f.n_written++] = {at, bytes};
}

inline uint32_t shared_address_of(const void* p) { return uint32_t(static_cast<const unsigned char*>(p) - m.dynamic) + kSharedBase; }

// Static shared memory: NaN when a block first touches it.
template <class T> struct Shared {
  T data;
  unsigned long long block = 0;
  T& get() {
    if (block != m.block_number) {
      memset(static_cast<void*>(&data), 0xff, sizeof(T));
      block = m.block_number;
    }
    return data;
  }
};

// What every lane of the warp published; slots alternate, so a fast lane never overwrites what a slow one still reads.
template <class T> const Slot* publish(const T& x, int site) {
  static_assert(sizeof(T) <= sizeof(Slot), "too much to publish");
  Slot* slots = m.slot[m.now->warp_generation++ & 1];
  memcpy(slots[m.now_index].bytes, &x, sizeof(T));
  warp_barrier(site);
  return slots + (m.now_index & ~31);
}
template <class T> T published(const Slot* slots, int lane) {
  T x;
  memcpy(&x, slots[lane].bytes, sizeof(T));
  return x;
}

}  // namespace kg_shim

#define threadIdx (kg_shim::m.now->thread)
#define blockIdx (kg_shim::m.block)
#define blockDim (kg_shim::m.block_size)
#define gridDim (kg_shim::m.grid_size)

#define KG_START(name, Params, threads)                                                      \
  static void name##_body(const Params& p);                                                  \
  static void name##_call(const void* p) { name##_body(*static_cast<const Params*>(p)); }    \
  extern "C" __attribute__((visibility("default"))) int kg_run_##name(kg_shim::Request* r) { \
    if (r->block[0] * r->block[1] * r->block[2] > unsigned(threads)) r->params_bytes = -1;   \
    return kg_shim::run(r, sizeof(Params), &name##_call);                                    \
  }                                                                                          \
  static void name##_body(const Params& p)
#define KG_KERNEL_MANY(name, Params, threads, blocks) KG_KERNEL(name, Params, threads)
#define KG_SHARED(T, name, dims)                      \
  typedef T name##_type dims;                         \
  static kg_shim::Shared<name##_type> name##_storage; \
  auto& name = name##_storage.get()
#define KG_DYNAMIC_SHARED(name) unsigned char* const name = kg_shim::m.dynamic

#define sync_block() kg_shim::block_barrier(__LINE__)
#define sync_warp() kg_shim::warp_barrier(__LINE__)

#include "shim_warp.h"
