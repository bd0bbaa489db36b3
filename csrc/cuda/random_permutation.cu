// permutation_keys: key k is word k of a dense draw, bit for bit those of csrc/cpu/random_permutation.cpp; sort.cu puts them in order.
//
// A thread computes one Philox block, four words, as in random.cu. 256 threads a block, a stride of the whole grid. No shared memory.
#include "numeric.cuh"

#include "../common/normal.h"

namespace kg {

struct Params {
  const u32* state;
  u32 *keys, *numbers;
  int64_t pairs, n;
  u32 stream;
};
KG_KERNEL(permutation_keys, Params, 256) {
  const PhiloxKey key = {p.state[0], p.stream};
  for (int64_t b = global_index(); b < p.pairs / 4; b += global_size()) {
    const PhiloxBlock words = philox_at(key, p.state[1], (u64)b, 0);
    for (int w = 0; w < 4; ++w) {
      const int64_t at = 64 * (b / 16) + 16 * w + b % 16;
      p.keys[at] = at < p.n ? words.word[w] : ~0u;
      p.numbers[at] = (u32)at;
    }
  }
}

}  // namespace kg
