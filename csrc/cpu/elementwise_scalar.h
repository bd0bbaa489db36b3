// Scalar functions behind the rare instructions of "elementwise": double precision, no shared state.
#pragma once
#include <math.h>

#include <cmath>
#include <limits>

#include "kernel.h"

#if defined(__APPLE__)
extern "C" double lgamma_r(double, int*);  // in the library, but not declared under -std=c++17
#endif

namespace KG_NS {

// Python's a % b: the sign of b, and a NaN for b = 0.
template <class T> inline T python_mod(T a, T b) {
  T m = std::fmod(a, b);
  if (m != 0) {
    if ((b < 0) != (m < 0)) m += b;
  } else {
    m = std::copysign(T(0), b);
  }
  return m;
}

// Python's a // b, consistent with python_mod; a / b for b = 0.
template <class T> inline T python_floor_div(T a, T b) {
  if (b == 0) return a / b;
  T m = std::fmod(a, b);
  T q = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) q -= 1;
  if (q == 0) return std::copysign(T(0), a / b);
  const T f = std::floor(q);
  return q - f > T(0.5) ? f + 1 : f;
}

inline double scalar_lgamma(double x) {
#if defined(__GLIBC__) || defined(__APPLE__)
  int sign;
  return lgamma_r(x, &sign);  // lgamma writes a global variable
#else
  return std::lgamma(x);
#endif
}

// Recurrence up to x >= 10, then the asymptotic series (Abramowitz and Stegun 6.3.18); reflection below 0 (6.3.7).
inline double scalar_digamma(double x) {
  constexpr double pi = 3.14159265358979323846;
  if (x == 0) return std::copysign(std::numeric_limits<double>::infinity(), -x);
  if (x != x || x == std::numeric_limits<double>::infinity()) return x;
  double y = 0;
  if (x < 0) {
    const double whole = std::floor(x);
    if (whole == x) return std::numeric_limits<double>::quiet_NaN();  // a pole, and all of -inf
    y = -pi / std::tan(pi * (x - whole));
    x = 1 - x;
  }
  // psi has a root near 1.4616 where the series would cancel: expand there instead.
  constexpr double root = 1.4616321449683623413, root_low = 9.549995429965697715e-17;
  const double d = (x - root) - root_low;
  if (y == 0 && std::fabs(d) < 0.03) {
    constexpr double c[] = {-0.015424765904948968, 0.022597648232218125, -0.033161126474847376, 0.048804288164143145,
                            -0.07219956125645476,  0.10782405069126239,  -0.16394270544240658,  0.2584997609556512,
                            -0.44276316898359214,  0.9676722454476214};
    double p = 0;
    for (double k : c) p = p * d + k;
    return p * d;
  }
  for (; x < 10; x += 1) y -= 1 / x;
  const double z = 1 / (x * x);
  constexpr double c[] = {1.0 / 12, -691.0 / 32760, 1.0 / 132, -1.0 / 240, 1.0 / 252, -1.0 / 120, 1.0 / 12};
  double series = 0;
  for (double k : c) series = series * z + k;
  return y + std::log(x) - 0.5 / x - series * z;
}

// Start from Giles (2010, "Approximating the erfinv function"), then two Newton steps on erfc, which keeps the tail.
inline double scalar_erfinv(double x) {
  const double a = std::fabs(x);
  if (!(a < 1))
    return a == 1 ? std::copysign(std::numeric_limits<double>::infinity(), x) : std::numeric_limits<double>::quiet_NaN();
  if (a < 1e-9) return x * 0.88622692545275801365;  // sqrt(pi) / 2
  double w = -std::log((1 - a) * (1 + a)), y;
  if (w < 5) {
    w -= 2.5;
    constexpr double c[] = {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                            -0.00125372503, -0.00417768164, 0.246640727,    1.50140941};
    y = 0;
    for (double k : c) y = y * w + k;
  } else {
    w = std::sqrt(w) - 3;
    constexpr double c[] = {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                            -0.0076224613,   0.00943887047,  1.00167406,    2.83297682};
    y = 0;
    for (double k : c) y = y * w + k;
  }
  y *= a;
  for (int step = 0; step < 3; ++step) {
    const double error = a < 0.5 ? a - std::erf(y) : std::erfc(y) - (1 - a);
    const double slope = 1.12837916709551257390 * std::exp(-y * y);
    if (!(slope > 0)) break;
    const double newton = error / slope;
    y += newton / (1 - y * newton);  // Halley's step
  }
  return std::copysign(y, x);
}

}  // namespace KG_NS
