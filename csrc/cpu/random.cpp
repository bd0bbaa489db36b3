// Random tensors from a counter-based generator (csrc/common/philox.h): element k of a draw is a pure function of the state
// [seed, counter], the stream and k. The state is read, never advanced (see advance_seed in copy.cpp).
//
// random   in: state (2) uint32; out: y (count).   ints: distribution, count, stream, ...
//   0 bits              y: uint32, int32
//   1 uniform           y: floats in [floats[0], floats[1])
//   2 normal            y: floats, mean floats[0], standard deviation floats[1]
//   3 truncated normal  the same, no further than 2 standard deviations from the mean
//   4 bernoulli         y: any dtype, 1 with probability floats[0], else 0
//   5 randint           y: any integer dtype in [ints[3], ints[4])
//   6 gamma, 7 Poisson, 8 binomial, 9 beta: see random_reject.cpp.
// dropout  in: x (count), state (2); out: y (count), x's dtype: y = keep ? x / (1 - rate) : 0.   ints: count, stream  floats: rate
//   The mask is the one that bernoulli with 1 - rate draws from this state, so the gradient is the same call on g.
//
// Floats are drawn with 24 bits in float32 and then rounded to the dtype of y. Threads take fixed ranges of 64-element groups.
#include "random.h"

#include <algorithm>
#include <cmath>

#include "numeric.h"
#include "parallel.h"
#include "random_reject.h"

namespace KG_NS {
namespace {

constexpr int64_t kGroupsPerTask = 128;  // 8192 elements

enum Distribution { kBits, kUniform, kNormal, kTruncated, kBernoulli, kRandint, kGamma, kPoisson, kBinomial, kBeta };

struct Draw {
  PhiloxKey key;
  u32 step;
};

Draw read_state(const Call& call, int k, int64_t stream) {
  const uint32_t* state = input<uint32_t>(call, k, 2);
  return {{state[0], static_cast<u32>(stream)}, state[1]};
}

// make(words, y) fills `size` elements from one group of words; the last group may be cut short.
template <int size, class T, class F> void by_groups(const Draw& draw, T* y, int64_t count, const F& make) {
  parallel_range((count + size - 1) / size, kGroupsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) u32 words[kGroup];
    for (int64_t g = begin; g < end; ++g) {
      philox_group(draw.key, draw.step, static_cast<u64>(g), words);
      const int64_t left = count - g * size;
      if (left >= size) {
        make(words, y + g * size);
      } else {
        T rest[size];
        make(words, rest);
        std::memcpy(static_cast<void*>(y + g * size), rest, static_cast<size_t>(left) * sizeof(T));
      }
    }
  });
}

// For distributions computed in float: make(words, float[64]), rounded to T.
template <class T, class F> void by_float_groups(const Draw& draw, T* y, int64_t count, const F& make) {
  by_groups<kGroup>(draw, y, count, [&](const u32* words, T* to) {
    if constexpr (std::is_same<T, float>::value) {
      make(words, to);
    } else {
      float z[kGroup];
      make(words, z);
      for (int k = 0; k < kGroup; ++k) to[k] = from_double<T>(z[k]);
    }
  });
}

// The largest T below x, as a float: rounding low + u * (high - low) must not reach high.
template <class T> float below(double x) {
  float f = static_cast<float>(x);
  if (static_cast<double>(f) >= x) f = std::nextafter(f, -INFINITY);
  if constexpr (is_half<T>) {
    T h = narrow<T>(f);
    if (widen(h) >= static_cast<float>(x))
      h.bits = static_cast<uint16_t>(widen(h) > 0 ? h.bits - 1 : widen(h) < 0 ? h.bits + 1 : 0x8001);
    f = widen(h);
  }
  return f;
}

template <class T> void uniform(const Draw& draw, T* y, int64_t count, double low_value, double high_value) {
  const float low = static_cast<float>(low_value), width = static_cast<float>(high_value - low_value);
  const float top = high_value > low_value ? below<T>(high_value) : INFINITY;
  by_float_groups(draw, y, count, [=](const u32* words, float* to) {
    for (int k = 0; k < kGroup; ++k) {
      const float v = low + unit_float(words[k]) * width;
      to[k] = v < top ? v : top;
    }
  });
}

template <class T> void normal(const Draw& draw, T* y, int64_t count, float mean, float deviation) {
  by_float_groups(draw, y, count, [=](const u32* words, float* to) {
    for (int pair = 0; pair < kGroup; pair += 32)
      for (int k = pair; k < pair + 16; ++k) {
        float a, b;
        normal_pair(words[k], words[k + 16], a, b);
        to[k] = mean + a * deviation;
        to[k + 16] = mean + b * deviation;
      }
  });
}

template <class T> void truncated(const Draw& draw, T* y, int64_t count, float mean, float deviation) {
  by_float_groups(draw, y, count, [=](const u32* words, float* to) {
    for (int k = 0; k < kGroup; ++k) to[k] = mean + truncated_normal(words[k]) * deviation;
  });
}

// An element is 1 (kept) where the upper 24 bits of its word are below this.
int keep_threshold(double probability) { return static_cast<int>(std::ceil(std::clamp(probability, 0.0, 1.0) * 0x1p24)); }

template <class T> void bernoulli(const Draw& draw, T* y, int64_t count, double probability) {
  const int threshold = keep_threshold(probability);
  const T one = from_integer<T>(1), zero = from_integer<T>(0);
  by_groups<kGroup>(draw, y, count, [=](const u32* words, T* to) {
    for (int k = 0; k < kGroup; ++k) to[k] = static_cast<int>(words[k] >> 8) < threshold ? one : zero;
  });
}

template <class T> void randint(const Draw& draw, T* y, int64_t count, int64_t low, int64_t high) {
  const u64 range = static_cast<u64>(high) - static_cast<u64>(low);
  by_groups<kGroup / 2>(draw, y, count, [=](const u32* words, T* to) {
    for (int h = 0; h < 2; ++h)
      for (int k = 0; k < 16; ++k) {
        const u64 word = words[32 * h + k] | static_cast<u64>(words[32 * h + 16 + k]) << 32;
        to[16 * h + k] = static_cast<T>(static_cast<u64>(low) + mul_high(word, range));
      }
  });
}

template <class T> void drop(const Draw& draw, const T* x, T* y, int64_t count, double rate) {
  const int threshold = keep_threshold(1 - rate);
  typedef typename compute<T>::type C;
  const C scale = rate < 1 ? static_cast<C>(1 / (1 - rate)) : C(0);
  parallel_range((count + kGroup - 1) / kGroup, kGroupsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) u32 words[kGroup];
    for (int64_t g = begin; g < end; ++g) {
      philox_group(draw.key, draw.step, static_cast<u64>(g), words);
      const T* from = x + g * kGroup;
      T* to = y + g * kGroup;
      const auto element = [&](int64_t k) {
        const T kept = narrow<T>(widen(from[k]) * scale);
        to[k] = static_cast<int>(words[k] >> 8) < threshold ? kept : T{};
      };
      if (count - g * kGroup >= kGroup) {
        for (int k = 0; k < kGroup; ++k) element(k);
      } else {
        for (int64_t k = 0; k < count - g * kGroup; ++k) element(k);
      }
    }
  });
}

KG_INTS(RandomInts, kind, count, stream, low, high);
KG_FLOATS(RandomFloats, a, b);
KG_INTS(DropoutInts, count, stream);
KG_FLOATS(DropoutFloats, rate);

}  // namespace

void random(const Call& call) {
  const auto p = ints<RandomInts>(call);
  const auto f = floats<RandomFloats>(call);
  const double a = f.a, b = f.b;
  const int64_t kind = p.kind, count = p.count;
  if (kind < kBits || kind > kBeta) fail(call, "distribution", kind, kBeta);
  constexpr int n_inputs[] = {1, 1, 1, 1, 1, 1, 2, 2, 3, 3};
  expect(call, n_inputs[kind], 1, 5, 2);
  const Draw draw = read_state(call, 0, p.stream);
  by_dtype(call.out[0].dtype, [&](auto tag) {
    using T = decltype(tag);
    T* y = output<T>(call, 0, count);
    if constexpr (is_float<T>) {
      switch (kind) {
        case kUniform: return uniform(draw, y, count, a, b);
        case kNormal: return normal(draw, y, count, static_cast<float>(a), static_cast<float>(b));
        case kTruncated: return truncated(draw, y, count, static_cast<float>(a), static_cast<float>(b));
        default: break;
      }
    } else if constexpr (!std::is_same<T, bool>::value) {
      if (kind == kRandint) {
        if (p.high <= p.low) fail(call, "upper end of the range", p.high, p.low + 1);
        return randint(draw, y, count, p.low, p.high);
      }
      if constexpr (sizeof(T) == 4) {
        if (kind == kBits)
          return by_groups<kGroup>(draw, y, count,
                                   [](const u32* words, T* to) { std::memcpy(to, words, sizeof(u32) * kGroup); });
      }
    }
    if (kind == kBernoulli) return bernoulli(draw, y, count, a);
    if constexpr (is_float<T> || std::is_same<T, int32_t>::value || std::is_same<T, int64_t>::value) {
      if (kind >= kGamma) return draw_by_rejection(call, static_cast<int>(kind - kGamma), count, draw.key, draw.step);
    }
    fail_dtype(call, "output", 0, call.out[0].dtype,
               "a dtype of this distribution: float for 1-3 and 6-9, integer for 0 and 5");
  });
}

void dropout(const Call& call) {
  expect(call, 2, 1, 2, 1);
  const auto p = ints<DropoutInts>(call);
  const int64_t count = p.count;
  const double rate = floats<DropoutFloats>(call).rate;
  if (!(rate >= 0 && rate <= 1)) fail_message(call, "rate must be in [0, 1]");
  const Draw draw = read_state(call, 1, p.stream);
  by_dtype(call.out[0].dtype, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (is_float<T>) {
      drop(draw, input<T>(call, 0, count), output<T>(call, 0, count), count, rate);
    } else {
      fail_dtype(call, "output", 0, call.out[0].dtype, "float16, bfloat16, float32 or float64");
    }
  });
}

}  // namespace KG_NS

KG_REGISTER(random, RandomInts::names, RandomFloats::names);
KG_REGISTER(dropout, DropoutInts::names, DropoutFloats::names);
KG_IN_PLACE(dropout, out == 0 && in == 0);
