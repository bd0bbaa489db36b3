// The caching memory pool of the CPU: 64-byte aligned blocks in size classes, kept for reuse when freed.
#pragma once
#include <cstdint>

namespace kg {

struct PoolStats {
  int64_t in_use;       // bytes handed out now
  int64_t cached;       // bytes kept for reuse
  int64_t peak;         // largest in_use so far
  int64_t allocations;  // blocks asked of the system so far
};

void* pool_allocate(int64_t bytes);  // throws std::bad_alloc
void pool_free(void* block);
PoolStats pool_stats();
void pool_empty_cache();  // gives cached blocks back to the system

}  // namespace kg
