// A random order: out (n) int64 holds the stable order of n random 32-bit keys, key k being word k of a dense draw (philox.h).
//
// permutation  in: state (2) uint32; out: order (n) int64.   ints: n, stream.   n is below 2^32.
// Sorting keys instead of swapping elements gives the same order on a device that sorts in parallel.
#include "parallel.h"
#include "random.h"
#include "sort.h"

namespace KG_NS {

KG_INTS(PermutationInts, n, stream);

void permutation(const Call& call) {
  expect(call, 1, 1, 2, 0);
  const auto p = ints<PermutationInts>(call);
  const int64_t n = p.n;
  if (n < 0 || n > int64_t(0xffffffff)) fail(call, "n", n, 0xffffffff);
  const uint32_t* state = input<uint32_t>(call, 0, 2);
  int64_t* order = output<int64_t>(call, 0, n);
  const PhiloxKey key{state[0], static_cast<u32>(p.stream)};
  const int64_t groups = (n + kGroup - 1) / kGroup;
  Scratch<Keyed<uint32_t>> pairs(2 * groups * kGroup + 1);
  Keyed<uint32_t>* a = pairs.data();
  parallel_range(groups, 128, [&](int64_t begin, int64_t end) {
    alignas(64) u32 words[kGroup];
    for (int64_t g = begin; g < end; ++g) {
      philox_group(key, state[1], static_cast<u64>(g), words);
      for (int k = 0; k < kGroup; ++k) a[g * kGroup + k] = {words[k], static_cast<uint32_t>(g * kGroup + k)};
    }
  });
  sort_pairs(a, a + groups * kGroup, n);
  for (int64_t k = 0; k < n; ++k) order[k] = a[k].number;
}

}  // namespace KG_NS

KG_REGISTER(permutation, PermutationInts::names);
