// Size classes are four per power of two, so at most a quarter of a block is unused. A 64-byte header before each block holds
// its class. Freed blocks go on their class's list; when the cache holds more than the peak of live bytes plus 64 MiB, a
// freed block goes back to the system, so resident memory stays flat over many models.
#include "pool.h"

#include <cstdlib>
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

void* system_allocate(size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= 2 * kHugePage) {
    void* raw = std::aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage);
    if (raw) madvise(raw, bytes, MADV_HUGEPAGE);  // a wish: it may fail
    return raw;
  }
#endif
  return std::aligned_alloc(64, bytes);
}

struct State {
  std::mutex mutex;
  std::vector<std::vector<void*>> free_lists{256};
  PoolStats stats{0, 0, 0, 0};
};

State& state() {
  static State* s = new State;  // never destroyed: arrays may be freed after static destructors
  return *s;
}

}  // namespace

void* pool_allocate(int64_t bytes) {
  if (bytes < 0 || bytes > (int64_t(1) << 46)) throw std::bad_alloc();
  const int c = size_class(&bytes);
  State& s = state();
  {
    std::lock_guard<std::mutex> lock(s.mutex);
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
  *static_cast<Header*>(raw) = {bytes, c};
  std::lock_guard<std::mutex> lock(s.mutex);
  s.stats.in_use += bytes;
  s.stats.allocations += 1;
  if (s.stats.in_use > s.stats.peak) s.stats.peak = s.stats.in_use;
  return static_cast<char*>(raw) + kHeader;
}

void pool_free(void* block) {
  char* raw = static_cast<char*>(block) - kHeader;
  const Header header = *reinterpret_cast<Header*>(raw);
  State& s = state();
  {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.stats.in_use -= header.bytes;
    if (s.stats.in_use + s.stats.cached + header.bytes <= s.stats.peak + kSlack) {
      s.free_lists[header.size_class].push_back(block);
      s.stats.cached += header.bytes;
      return;
    }
  }
  std::free(raw);
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
    for (void* block : list) std::free(static_cast<char*>(block) - kHeader);
    list.clear();
  }
  s.stats.cached = 0;
}

}  // namespace kg
