// Gamma, Poisson, binomial and beta variates: kernel `random`, distributions 6 to 9.
//
// in: state (2), then parameters as float32 arrays of 1 (shared) or count elements:
//   6 gamma     shape alpha             scale 1. Marsaglia and Tsang, "A simple method for generating gamma variables" (2000)
//   7 Poisson   rate                    inversion below 10, else PTRS: Hormann, "The transformed rejection method for
//                                       generating Poisson random variables" (1993)
//   8 binomial  trials n, probability p inversion where n min(p, 1 - p) < 10, else BTRS: Hormann, "The generation of binomial
//                                       random variates" (1993)
//   9 beta      alpha, beta             X / (X + Y) for gamma X and Y
// out: y (count) of a float dtype, int32 or int64. A parameter out of range (NaN, negative) gives NaN, or 0 for integers.
//
// Element k reads blocks (k, purpose), purpose = 1, 2, ..., so threads (fixed ranges of elements) do not matter.
#include "random_reject.h"

#include <cmath>

#include "../common/normal.h"
#include "numeric.h"
#include "parallel.h"

namespace KG_NS {
namespace {

constexpr int kMaxAttempts = 1000;  // each succeeds with probability above 0.8: never reached in practice

// The uniform doubles of one element.
class Source {
 public:
  Source(PhiloxKey key, u32 step, int64_t element) : key_(key), step_(step), element_(static_cast<u64>(element)) {}

  PhiloxBlock block() { return philox_at(key_, step_, element_, ++purpose_); }

  // In (0, 1), 53 bits.
  double uniform() {
    if (used_ >= 4) {
      block_ = block();
      used_ = 0;
    }
    const u64 high = block_.word[used_], low = block_.word[used_ + 1];
    used_ += 2;
    return (static_cast<double>(high << 20 | low >> 12) + 0.5) * 0x1p-52;
  }

 private:
  PhiloxKey key_;
  u32 step_;
  u64 element_;
  u32 purpose_ = 0;
  PhiloxBlock block_{};
  int used_ = 4;
};

double draw_gamma(Source& source, double alpha) {
  if (!(alpha >= 0)) return NAN;
  if (alpha == 0 || std::isinf(alpha)) return alpha;
  // For alpha < 1: gamma(alpha + 1) * U^(1 / alpha).
  const double boost = alpha < 1 ? std::exp(std::log(source.uniform()) / alpha) : 1;
  const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const PhiloxBlock block = source.block();
    float first, second;
    normal_pair(block.word[0], block.word[1], first, second);
    const double x = first, root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = (static_cast<double>(block.word[2]) + 0.5) * 0x1p-32;
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * boost;
  }
  return d * boost;
}

// log k!: exact sums below 10, then Stirling's series.
double log_factorial(double k) {
  if (k < 10) {
    double product = 1;
    for (int i = 2; i <= static_cast<int>(k); ++i) product *= i;
    return std::log(product);
  }
  const double n = k + 1, z = 1 / (n * n);
  return (n - 0.5) * std::log(n) - n + 0.91893853320467274 + (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / n;
}

double draw_poisson(Source& source, double rate) {
  if (!(rate >= 0)) return NAN;
  if (std::isinf(rate)) return rate;
  if (rate < 10) {
    double p = std::exp(-rate), u = source.uniform(), k = 0;
    while (u > p && k < 1000) {
      u -= p;
      p *= rate / ++k;
    }
    return k;
  }
  const double root = std::sqrt(rate), log_rate = std::log(rate);
  const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const double u = source.uniform() - 0.5, v = source.uniform();
    const double us = 0.5 - std::fabs(u), k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <= k * log_rate - rate - log_factorial(k)) return k;
  }
  return std::floor(rate);
}

double draw_binomial(Source& source, double trials, double probability) {
  if (!(trials >= 0) || !(probability >= 0 && probability <= 1) || std::isinf(trials)) return NAN;
  const double n = std::floor(trials), p = std::fmin(probability, 1 - probability), q = 1 - p;
  double k = 0;
  if (p == 0 || n == 0) {
    k = 0;
  } else if (n * p < 10) {
    const double odds = p / q;
    double mass = std::exp(n * std::log1p(-p)), u = source.uniform();
    while (u > mass && k < n) {
      u -= mass;
      ++k;
      mass *= odds * (n - k + 1) / k;
    }
  } else {
    const double spread = std::sqrt(n * p * q), b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double c = n * p + 0.5, v_r = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread;
    const double log_odds = std::log(p / q), mode = std::floor((n + 1) * p);
    const double h = log_factorial(mode) + log_factorial(n - mode);
    k = mode;
    for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
      const double u = source.uniform() - 0.5, v = source.uniform();
      const double us = 0.5 - std::fabs(u), candidate = std::floor((2 * a / us + b) * u + c);
      if (candidate < 0 || candidate > n) continue;
      if ((us >= 0.07 && v <= v_r) || std::log(v * alpha / (a / (us * us) + b)) <= h - log_factorial(candidate) -
                                                                                       log_factorial(n - candidate) +
                                                                                       (candidate - mode) * log_odds) {
        k = candidate;
        break;
      }
    }
  }
  return probability > 0.5 ? n - k : k;
}

double draw_beta(Source& source, double alpha, double beta) {
  const double x = draw_gamma(source, alpha), y = draw_gamma(source, beta);
  return x + y > 0 || x != x || y != y ? x / (x + y) : 0.5;
}

struct Parameter {
  const float* values;
  int64_t stride;
  double operator[](int64_t k) const { return values[k * stride]; }
};

Parameter read_parameter(const Call& call, int k, int64_t count) {
  const bool shared = k < call.n_in && call.in[k].bytes == 4;
  return {input<float>(call, k, shared ? 1 : count), shared ? 0 : 1};
}

}  // namespace

void draw_by_rejection(const Call& call, int kind, int64_t count, PhiloxKey key, u32 step) {
  const Parameter a = read_parameter(call, 1, count), b = call.n_in > 2 ? read_parameter(call, 2, count) : a;
  by_dtype(call.out[0].dtype, [&](auto tag) {
    using T = decltype(tag);
    T* y = output<T>(call, 0, count);
    parallel_range(count, 256, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        Source source(key, step, k);
        const double value = kind == 0   ? draw_gamma(source, a[k])
                             : kind == 1 ? draw_poisson(source, a[k])
                             : kind == 2 ? draw_binomial(source, a[k], b[k])
                                         : draw_beta(source, a[k], b[k]);
        y[k] = from_double<T>(value);
      }
    });
  });
}

}  // namespace KG_NS
