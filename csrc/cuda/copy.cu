// Copies, constant fills, and the counters that a recorded step advances; csrc/cpu/copy.cpp says what each does.
//
// copy, fill: 256 threads a block with a stride of the whole grid, 16 bytes a thread for copies. advance, advance_seed: one thread
// works. No shared memory. Defines: KG_W a word (fill), KG_PART which of them a module holds.
#include "numeric.cuh"

namespace kg {

#if KG_PART == 0

struct CopyParams {
  const unsigned char* x;
  unsigned char* y;
  int64_t bytes;
};
KG_KERNEL(copy, CopyParams, 256) {
  typedef Pack<uint32_t, 4> Chunk;
  const int64_t chunks = p.bytes / 16;
  for (int64_t i = global_index(); i < chunks; i += global_size())
    reinterpret_cast<Chunk*>(p.y)[i] = reinterpret_cast<const Chunk*>(p.x)[i];
  for (int64_t i = 16 * chunks + global_index(); i < p.bytes; i += global_size()) p.y[i] = p.x[i];
}

struct CounterParams {
  void* counter;
  int64_t step;
  int32_t wide;
};
KG_KERNEL(advance, CounterParams, 32) {
  if (thread_index() != 0) return;
  if (p.wide)
    *static_cast<uint64_t*>(p.counter) += (uint64_t)p.step;
  else
    *static_cast<uint32_t*>(p.counter) += (uint32_t)p.step;
}

struct SeedParams {
  uint32_t *state, *saved;
  int32_t unordered;
};
KG_KERNEL(advance_seed, SeedParams, 32) {
  if (thread_index() != 0) return;
  const uint32_t seed = p.state[0], counter = p.state[1];
  if (p.saved) {
    p.saved[0] = seed;
    p.saved[1] = counter;
  }
  if (p.unordered) {
    p.state[0] = (seed + 1) * 5387u % 933199u;
    p.state[1] = (counter + 1) * 5387u % 933199u;
  } else {
    p.state[1] = counter + 1;
  }
}

#else

typedef KG_W W;

struct FillParams {
  W* y;
  int64_t n;
  uint64_t bits;
};
KG_KERNEL(fill, FillParams, 256) {
  for (int64_t i = global_index(); i < p.n; i += global_size()) p.y[i] = (W)p.bits;
}

#endif

}  // namespace kg
