// Gamma, Poisson, binomial and beta variates in double: the methods and the words that they use are those of
// csrc/cpu/random_reject.cpp, which names the papers. Element k reads Philox blocks (k, purpose), purpose = 1, 2, ...
//
// One element a thread, 256 threads a block, a stride of the whole grid. No shared memory. Defines: KG_T the dtype of the result.
#include "numeric.cuh"

#include "../common/normal.h"

namespace kg {

constexpr int kMaxAttempts = 1000;  // each succeeds with probability above 0.8: never reached in practice

// The uniform doubles of one element.
class Source {
 public:
  KG_DEVICE Source(PhiloxKey key, u32 step, int64_t element) : key_(key), step_(step), element_((u64)(element)) {}

  KG_DEVICE PhiloxBlock block() { return philox_at(key_, step_, element_, ++purpose_); }

  // In (0, 1), 53 bits.
  KG_DEVICE double uniform() {
    if (used_ >= 4) {
      block_ = block();
      used_ = 0;
    }
    const u64 high = block_.word[used_], low = block_.word[used_ + 1];
    used_ += 2;
    return ((double)(high << 20 | low >> 12) + 0.5) * 0x1p-52;
  }

 private:
  PhiloxKey key_;
  u32 step_;
  u64 element_;
  u32 purpose_ = 0;
  PhiloxBlock block_{};
  int used_ = 4;
};

KG_DEVICE_CALL double draw_gamma(Source& source, double alpha) {
  if (!(alpha >= 0)) return not_a_number();
  if (alpha == 0 || alpha == infinity()) return alpha;
  // For alpha < 1: gamma(alpha + 1) * U^(1 / alpha).
  const double boost = alpha < 1 ? ::exp(::log(source.uniform()) / alpha) : 1;
  const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / ::sqrt(9 * d);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const PhiloxBlock block = source.block();
    float first, second;
    normal_pair(block.word[0], block.word[1], first, second);
    const double x = first, root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = ((double)(block.word[2]) + 0.5) * 0x1p-32;
    if (::log(u) < 0.5 * x * x + d - d * v + d * ::log(v)) return d * v * boost;
  }
  return d * boost;
}

// log k!: exact sums below 10, then Stirling's series.
KG_DEVICE_CALL double log_factorial(double k) {
  if (k < 10) {
    double product = 1;
    for (int i = 2; i <= (int)(k); ++i) product *= i;
    return ::log(product);
  }
  const double n = k + 1, z = 1 / (n * n);
  return (n - 0.5) * ::log(n) - n + 0.91893853320467274 + (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / n;
}

KG_DEVICE_CALL double draw_poisson(Source& source, double rate) {
  if (!(rate >= 0)) return not_a_number();
  if (rate == infinity()) return rate;
  if (rate < 10) {
    double p = ::exp(-rate), u = source.uniform(), k = 0;
    while (u > p && k < 1000) {
      u -= p;
      p *= rate / ++k;
    }
    return k;
  }
  const double root = ::sqrt(rate), log_rate = ::log(rate);
  const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const double u = source.uniform() - 0.5, v = source.uniform();
    const double us = 0.5 - ::fabs(u), k = ::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (::log(v * inverse_alpha / (a / (us * us) + b)) <= k * log_rate - rate - log_factorial(k)) return k;
  }
  return ::floor(rate);
}

KG_DEVICE_CALL double draw_binomial(Source& source, double trials, double probability) {
  if (!(trials >= 0) || !(probability >= 0 && probability <= 1) || trials == infinity()) return not_a_number();
  const double n = ::floor(trials), p = ::fmin(probability, 1 - probability), q = 1 - p;
  double k = 0;
  if (p == 0 || n == 0) {
    k = 0;
  } else if (n * p < 10) {
    const double odds = p / q;
    double mass = ::exp(n * ::log1p(-p)), u = source.uniform();
    while (u > mass && k < n) {
      u -= mass;
      ++k;
      mass *= odds * (n - k + 1) / k;
    }
  } else {
    const double spread = ::sqrt(n * p * q), b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double c = n * p + 0.5, v_r = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread;
    const double log_odds = ::log(p / q), mode = ::floor((n + 1) * p);
    const double h = log_factorial(mode) + log_factorial(n - mode);
    k = mode;
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      const double u = source.uniform() - 0.5, v = source.uniform();
      const double us = 0.5 - ::fabs(u), candidate = ::floor((2 * a / us + b) * u + c);
      if (candidate < 0 || candidate > n) continue;
      if ((us >= 0.07 && v <= v_r) || ::log(v * alpha / (a / (us * us) + b)) <= h - log_factorial(candidate) -
                                                                                    log_factorial(n - candidate) +
                                                                                    (candidate - mode) * log_odds) {
        k = candidate;
        break;
      }
    }
  }
  return probability > 0.5 ? n - k : k;
}

KG_DEVICE_CALL double draw_beta(Source& source, double alpha, double beta) {
  const double x = draw_gamma(source, alpha), y = draw_gamma(source, beta);
  return x + y > 0 || x != x || y != y ? x / (x + y) : 0.5;
}

typedef KG_T T;

struct Params {
  const u32* state;
  const float *a, *b;
  T* y;
  int64_t count;
  u32 stream;
  int32_t kind, a_stride, b_stride;
};
KG_KERNEL(random_reject, Params, 256) {
  const PhiloxKey key = {p.state[0], p.stream};
  for (int64_t k = global_index(); k < p.count; k += global_size()) {
    Source source(key, p.state[1], k);
    const double a = p.a[k * p.a_stride], b = p.b[k * p.b_stride];
    const double value = p.kind == 0   ? draw_gamma(source, a)
                         : p.kind == 1 ? draw_poisson(source, a)
                         : p.kind == 2 ? draw_binomial(source, a, b)
                                       : draw_beta(source, a, b);
    p.y[k] = convert<T>(value);
  }
}

}  // namespace kg
