// Philox on vectors: the words of 64 elements at a time, in the layout of philox.h.
#pragma once
#include "../common/normal.h"
#include "vec.h"

namespace KG_NS {

typedef uint64_t vq __attribute__((vector_size(kVecBytes)));

// The product of the low halves of each 64-bit lane.
inline vq mul_low_halves(vq a, vq b) {
#if defined(__AVX512F__)
  return (vq)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);  // the unmasked one warns in GCC 12
#elif defined(__AVX2__)
  return (vq)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (vq)__builtin_ia32_pmuludq128((vi)a, (vi)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

constexpr int kGroup = 64;  // elements of a dense draw that share 16 blocks

// words[16 * w + i] = word w of block 16 * group + i. Each 64-bit lane computes one block; what the products leave in the upper
// halves is never read by a multiplication, so it need not be cleared.
__attribute__((noinline)) static void philox_group(PhiloxKey key, u32 step, u64 group, u32* words) {
  const u64 block = group * 16;
  const u32 low = static_cast<u32>(block), high = static_cast<u32>(block >> 32);
  for (int part = 0; part < 16; part += kLanes) {
    vq c[2][4];  // even and odd blocks
    for (int odd = 0; odd < 2; ++odd) {
      uint64_t numbers[kLanes64];
      for (int k = 0; k < kLanes64; ++k) numbers[k] = low + static_cast<u32>(part + 2 * k + odd);
      c[odd][0] = load<vq>(numbers);
      c[odd][1] = vq{} + high;
      c[odd][2] = vq{} + step;
      c[odd][3] = vq{};
    }
    u32 k0 = key.seed, k1 = key.stream;
    const vq m0 = vq{} + kPhiloxM0, m1 = vq{} + kPhiloxM1;
    for (int round = 0; round < kPhiloxRounds; ++round) {
      const vq key0 = vq{} + k0, key1 = vq{} + k1;
      for (int odd = 0; odd < 2; ++odd) {
        vq* x = c[odd];
        const vq p0 = mul_low_halves(x[0], m0), p1 = mul_low_halves(x[2], m1);
        x[0] = (p1 >> 32) ^ x[1] ^ key0;
        x[1] = p1;
        x[2] = (p0 >> 32) ^ x[3] ^ key1;
        x[3] = p0;
      }
      k0 += kPhiloxW0;
      k1 += kPhiloxW1;
    }
    for (int w = 0; w < 4; ++w) store(words + 16 * w + part, (c[0][w] & 0xffffffffu) | (c[1][w] << 32));
  }
}

}  // namespace KG_NS
