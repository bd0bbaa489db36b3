// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
// (SC 2011, section 3.3), and how kerasgpu lays a tensor over its counters. Compiles under g++, clang, nvcc and NVRTC.
//
// Key: (seed, stream). Counter: (block low, block high, step, purpose), where (seed, step) is the state of a SeedGenerator. So
// an element is a pure function of (seed, stream, step, element number): the same for any thread count and on any device.
//
// Dense draws (one word an element, purpose 0): 64 elements share 16 consecutive blocks; word w of block b is element
//   64 * (b / 16) + 16 * w + b % 16
// which lets a vector unit write 16 neighbours at once and a warp write whole lines.
// Wide draws (64 bits an element): 32 elements share 16 blocks; words 2h and 2h + 1 (low, high) of block b are element
//   32 * (b / 16) + 16 * h + b % 16.
// Draws that may need many words (gamma, Poisson, ...): block = element number, purpose = 1, 2, ... counts the attempts.
#pragma once

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define KG_FN __host__ __device__ inline
#else
#define KG_FN inline
#endif
#if !defined(KG_NS) && !defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include "../cpu/kernel.h"  // the namespace of the instruction set
#endif
#ifndef KG_NS
#define KG_NS kg_device
#endif

namespace KG_NS {

typedef unsigned int u32;
typedef unsigned long long u64;

constexpr u32 kPhiloxM0 = 0xD2511F53u, kPhiloxM1 = 0xCD9E8D57u;  // the multipliers of the paper's table 2
constexpr u32 kPhiloxW0 = 0x9E3779B9u, kPhiloxW1 = 0xBB67AE85u;  // the key schedule: golden ratio, sqrt(3) - 1
constexpr int kPhiloxRounds = 10;

struct PhiloxKey {
  u32 seed, stream;
};
struct PhiloxBlock {
  u32 word[4];
};

KG_FN PhiloxBlock philox(PhiloxKey key, u32 c0, u32 c1, u32 c2, u32 c3) {
  u32 k0 = key.seed, k1 = key.stream;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const u64 p0 = static_cast<u64>(kPhiloxM0) * c0, p1 = static_cast<u64>(kPhiloxM1) * c2;
    c0 = static_cast<u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<u32>(p1);
    c2 = static_cast<u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<u32>(p0);
    k0 += kPhiloxW0;
    k1 += kPhiloxW1;
  }
  return {{c0, c1, c2, c3}};
}

// A block of a dense, wide (purpose 0) or per-element (purpose >= 1) draw.
KG_FN PhiloxBlock philox_at(PhiloxKey key, u32 step, u64 block, u32 purpose) {
  return philox(key, static_cast<u32>(block), static_cast<u32>(block >> 32), step, purpose);
}

// Uniform in [0, 1) with 24 bits: k / 2^24.
KG_FN float unit_float(u32 word) { return static_cast<float>(static_cast<int>(word >> 8)) * 0x1p-24f; }

// The high 64 bits of a * b: maps a 64-bit word to [0, b) with a bias below b / 2^64.
KG_FN u64 mul_high(u64 a, u64 b) {
  const u64 al = static_cast<u32>(a), ah = a >> 32, bl = static_cast<u32>(b), bh = b >> 32;
  const u64 low = al * bl, mid1 = ah * bl + (low >> 32), mid2 = al * bh + static_cast<u32>(mid1);
  return ah * bh + (mid1 >> 32) + (mid2 >> 32);
}

}  // namespace KG_NS
