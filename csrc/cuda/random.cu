// Random tensors from Philox4x32-10, bit for bit those of csrc/cpu/random.cpp: an element is a function of (state, stream, number).
//
// A thread computes one Philox block, that is four words: words w of block b belong to elements 64 (b / 16) + 16 w + b % 16 of a dense
// draw, to 32 (b / 16) + 16 h + b % 16 (words 2 h, 2 h + 1) of a wide one (csrc/common/philox.h). So 16 neighbouring threads write 16
// neighbouring elements, and a normal pair is in one thread.
// dropout draws the mask of bernoulli again.
//
// Grid: 256 threads a block with a stride of the whole grid. No shared memory. Compiled with -fmad=false: the bits are the CPU's.
// Defines: KG_T the dtype of the result; KG_PART what a module holds.
#include "numeric.cuh"

#include "../common/normal.h"

namespace kg {

typedef KG_T T;

enum Distribution { kBits, kUniform, kNormal, kTruncated, kBernoulli, kRandint };

struct Params {
  const u32* state;
  const T* x;  // dropout
  T* y;
  int64_t count;
  u64 low, range;   // randint
  double scale;     // dropout
  float a, b, top;  // low, width and what is never reached; or mean and deviation
  u32 stream;
  int32_t kind, threshold;
};

KG_DEVICE PhiloxBlock draw(const Params& p, int64_t block) {
  const PhiloxKey key = {p.state[0], p.stream};
  return philox_at(key, p.state[1], (u64)block, 0);
}

#if KG_PART == 0

template <class T> KG_DEVICE void put(const Params& p, int64_t at, T value) {
  if (at < p.count) p.y[at] = value;
}

template <class T> KG_DEVICE void fill(const Params& p, const PhiloxBlock& words, int64_t b) {
  if constexpr (!is_float<T> && !is_same<T, bool>) {
    if (p.kind == kRandint) {
      for (int h = 0; h < 2; ++h) {
        const u64 word = words.word[2 * h] | (u64)words.word[2 * h + 1] << 32;
        put<T>(p, 32 * (b / 16) + 16 * h + b % 16, (T)(p.low + mul_high(word, p.range)));
      }
      return;
    }
  }
  const int64_t first = 64 * (b / 16) + b % 16;
  if (p.kind == kBernoulli) {
    for (int w = 0; w < 4; ++w) put<T>(p, first + 16 * w, convert<T>((int32_t)((int)(words.word[w] >> 8) < p.threshold)));
    return;
  }
  if constexpr (is_float<T>) {
    for (int w = 0; w < 4; w += 2) {
      float z[2];
      if (p.kind == kNormal) {
        normal_pair(words.word[w], words.word[w + 1], z[0], z[1]);
        z[0] = p.a + z[0] * p.b;
        z[1] = p.a + z[1] * p.b;
      } else {
        for (int h = 0; h < 2; ++h) {
          if (p.kind == kUniform) {
            const float v = p.a + unit_float(words.word[w + h]) * p.b;
            z[h] = v < p.top ? v : p.top;
          } else {
            z[h] = p.a + truncated_normal(words.word[w + h]) * p.b;
          }
        }
      }
      for (int h = 0; h < 2; ++h) put<T>(p, first + 16 * (w + h), convert<T>(z[h]));
    }
  } else if constexpr (sizeof(T) == 4) {
    for (int w = 0; w < 4; ++w) put<T>(p, first + 16 * w, (T)words.word[w]);
  }
}

KG_KERNEL(random_fill, Params, 256) {
  const int64_t size = p.kind == kRandint ? 32 : 64, blocks = (p.count + size - 1) / size * 16;
  for (int64_t b = global_index(); b < blocks; b += global_size()) fill<T>(p, draw(p, b), b);
}

#else

KG_KERNEL(dropout, Params, 256) {
  typedef compute<T> C;
  const C scale = (C)p.scale;
  const int64_t blocks = (p.count + 63) / 64 * 16;
  for (int64_t b = global_index(); b < blocks; b += global_size()) {
    const PhiloxBlock words = draw(p, b);
    for (int w = 0; w < 4; ++w) {
      const int64_t at = 64 * (b / 16) + 16 * w + b % 16;
      if (at < p.count) p.y[at] = (int)(words.word[w] >> 8) < p.threshold ? narrow<T>(widen(p.x[at]) * scale) : convert<T>(0);
    }
  }
}

#endif

}  // namespace kg
