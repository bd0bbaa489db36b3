// Functions that libm does not have, or that differ between libraries, in double: as csrc/cpu/elementwise_scalar.h.
#pragma once
#include "numeric.cuh"

namespace kg {

KG_DEVICE_CALL double lgamma_double(double x) { return ::lgamma(x); }

// Recurrence up to x >= 10, then the asymptotic series (Abramowitz and Stegun 6.3.18); reflection below 0 (6.3.7).
KG_DEVICE_CALL double digamma_double(double x) {
  const double pi = 3.14159265358979323846;
  if (x == 0) return ::copysign((double)infinity(), -x);
  if (x != x || x == infinity()) return x;
  double y = 0;
  if (x < 0) {
    const double whole = ::floor(x);
    if (whole == x) return not_a_number();
    y = -pi / ::tan(pi * (x - whole));
    x = 1 - x;
  }
  const double d = (x - 1.4616321449683623413) - 9.549995429965697715e-17;
  if (y == 0 && ::fabs(d) < 0.03) {  // near the root the series would cancel
    const double c[] = {-0.015424765904948968, 0.022597648232218125, -0.033161126474847376, 0.048804288164143145,
                        -0.07219956125645476,  0.10782405069126239,  -0.16394270544240658,  0.2584997609556512,
                        -0.44276316898359214,  0.9676722454476214};
    double p = 0;
    for (int k = 0; k < 10; ++k) p = p * d + c[k];
    return p * d;
  }
  for (; x < 10; x += 1) y -= 1 / x;
  const double z = 1 / (x * x);
  const double c[] = {1.0 / 12, -691.0 / 32760, 1.0 / 132, -1.0 / 240, 1.0 / 252, -1.0 / 120, 1.0 / 12};
  double series = 0;
  for (int k = 0; k < 7; ++k) series = series * z + c[k];
  return y + ::log(x) - 0.5 / x - series * z;
}

// Start from Giles (2010, "Approximating the erfinv function"), then Halley steps on erfc, which keeps the tail.
KG_DEVICE_CALL double erfinv_double(double x) {
  const double a = ::fabs(x);
  if (!(a < 1)) return a == 1 ? ::copysign((double)infinity(), x) : (double)not_a_number();
  if (a < 1e-9) return x * 0.88622692545275801365;
  double w = -::log((1 - a) * (1 + a)), y = 0;
  if (w < 5) {
    w -= 2.5;
    const double c[] = {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                        -0.00125372503, -0.00417768164, 0.246640727,    1.50140941};
    for (int k = 0; k < 9; ++k) y = y * w + c[k];
  } else {
    w = ::sqrt(w) - 3;
    const double c[] = {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                        -0.0076224613,   0.00943887047,  1.00167406,    2.83297682};
    for (int k = 0; k < 9; ++k) y = y * w + c[k];
  }
  y *= a;
  for (int step = 0; step < 3; ++step) {
    const double error = a < 0.5 ? a - ::erf(y) : ::erfc(y) - (1 - a);
    const double slope = 1.12837916709551257390 * ::exp(-y * y);
    if (!(slope > 0)) break;
    const double newton = error / slope;
    y += newton / (1 - y * newton);
  }
  return ::copysign(y, x);
}

}  // namespace kg
