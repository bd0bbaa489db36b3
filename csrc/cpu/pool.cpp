// Size classes are four per power of two, so at most a quarter of a block is unused. A 64-byte header before each block holds
// its class. Freed blocks go on their class's list; when live and cached blocks are more than the peak of live bytes plus 64 MiB,
// blocks of the class that was used least recently go back to the system, so resident memory stays flat over many models.
#include "pool.h"

#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#else
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif
#include <mutex>
#include <new>
#include <vector>

namespace kg {
namespace {

constexpr int64_t kHeader = 64;
constexpr int64_t kSlack = int64_t(64) << 20;

struct Header {
  int64_t bytes;
  int32_t size_class;
  void* next;  // of a list of blocks that go back to the system
};

// 64, 80, 96, 112, 128, 160, ...: returns the class and rounds bytes up to its size.
int size_class(int64_t* bytes) {
  const int64_t n = *bytes < 64 ? 64 : *bytes;
  const int shift = 63 - __builtin_clzll(static_cast<unsigned long long>(n));
  const int64_t quarter = (int64_t(1) << shift) / 4;
  const int64_t step = (n - (int64_t(1) << shift) + quarter - 1) / quarter;
  *bytes = (int64_t(1) << shift) + step * quarter;
  return (shift - 6) * 4 + static_cast<int>(step);
}

// Large blocks ask for huge pages: an array then needs few address translations, and processors prefetch across it.
constexpr size_t kHugePage = size_t(2) << 20;

// std::aligned_alloc is missing on Windows and in older libraries of macOS. Null where there is no memory.
void* aligned_allocate(size_t alignment, size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(bytes, alignment);
#else
  void* raw = nullptr;
  return posix_memalign(&raw, alignment, bytes) == 0 ? raw : nullptr;
#endif
}

void aligned_release(void* raw) {
#if defined(_WIN32)
  _aligned_free(raw);
#else
  std::free(raw);
#endif
}

void* system_allocate(size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= 2 * kHugePage) {
    void* raw = aligned_allocate(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage);
    if (raw) madvise(raw, bytes, MADV_HUGEPAGE);  // a wish: it may fail
    return raw;
  }
#endif
  return aligned_allocate(64, bytes);
}

struct State {
  std::mutex mutex;
  std::vector<std::vector<void*>> free_lists{256};
  std::vector<int64_t> used = std::vector<int64_t>(256);  // when a class was used last, by `clock`
  int64_t clock = 0;
  PoolStats stats{0, 0, 0, 0};
};

Header& header_of(void* block) { return *reinterpret_cast<Header*>(static_cast<char*>(block) - kHeader); }

// The oldest block of the class that was used least recently; some block is cached.
void* take_stalest(State& s) {
  size_t stalest = s.free_lists.size();
  for (size_t c = 0; c < s.free_lists.size(); ++c)
    if (!s.free_lists[c].empty() && (stalest == s.free_lists.size() || s.used[c] < s.used[stalest])) stalest = c;
  auto& list = s.free_lists[stalest];
  void* block = list.front();
  list.erase(list.begin());
  s.stats.cached -= header_of(block).bytes;
  return block;
}

// Never destroyed: arrays may be freed after static destructors. Made when the library is loaded, before any fork.
State* const the_state = new State;
State& state() { return *the_state; }

#if !defined(_WIN32)  // which has no fork
// A fork waits until no other thread is within the pool: the child's copy is then whole, and nobody holds its mutex.
const int fork_hook =
    pthread_atfork([] { the_state->mutex.lock(); }, [] { the_state->mutex.unlock(); }, [] { the_state->mutex.unlock(); });
#endif

}  // namespace

void* pool_allocate(int64_t bytes) {
  if (bytes < 0 || bytes > (int64_t(1) << 46)) throw std::bad_alloc();
  const int c = size_class(&bytes);
  State& s = state();
  {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.used[c] = ++s.clock;
    auto& list = s.free_lists[c];
    if (!list.empty()) {
      void* block = list.back();
      list.pop_back();
      s.stats.cached -= bytes;
      s.stats.in_use += bytes;
      if (s.stats.in_use > s.stats.peak) s.stats.peak = s.stats.in_use;
      return block;
    }
  }
  const size_t total = static_cast<size_t>((bytes + kHeader + 63) / 64 * 64);
  void* raw = system_allocate(total);
  if (!raw) {
    pool_empty_cache();
    raw = system_allocate(total);
    if (!raw) throw std::bad_alloc();
  }
  *static_cast<Header*>(raw) = {bytes, c, nullptr};
  std::lock_guard<std::mutex> lock(s.mutex);
  s.stats.in_use += bytes;
  s.stats.allocations += 1;
  if (s.stats.in_use > s.stats.peak) s.stats.peak = s.stats.in_use;
  return static_cast<char*>(raw) + kHeader;
}

void pool_free(void* block) {
  const Header& header = header_of(block);
  State& s = state();
  void* too_many = nullptr;
  {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.free_lists[header.size_class].push_back(block);
    s.used[header.size_class] = ++s.clock;
    s.stats.in_use -= header.bytes;
    s.stats.cached += header.bytes;
    while (s.stats.in_use + s.stats.cached > s.stats.peak + kSlack) {
      void* stale = take_stalest(s);
      header_of(stale).next = too_many;
      too_many = stale;
    }
  }
  while (too_many) {
    void* next = header_of(too_many).next;
    aligned_release(&header_of(too_many));
    too_many = next;
  }
}

PoolStats pool_stats() {
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  return s.stats;
}

void pool_empty_cache() {
  State& s = state();
  std::lock_guard<std::mutex> lock(s.mutex);
  for (auto& list : s.free_lists) {
    for (void* block : list) aligned_release(static_cast<char*>(block) - kHeader);
    list.clear();
  }
  s.stats.cached = 0;
}

}  // namespace kg
