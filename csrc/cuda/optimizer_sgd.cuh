// How optimizers change one element: x the variable, g its gradient, a, b, c its slots. Formulas, the places of epsilon and the order of
// operations are those of csrc/cpu/optimizer_sgd.cpp, which names the papers; so are the bits (-fmad=false).
//
// A rule is a struct of numbers in the compute type C: prepare() reads what changes from step to step, once for each block.
#pragma once
#include "optimizer.cuh"

namespace kg {

template <class C> struct Sgd : Common<C> {
  static constexpr int slots = 0;
  KG_DEVICE void prepare(const Params& p) { this->read(p); }
  KG_DEVICE void operator()(C& x, C g, C&, C&, C&) const { x -= g * this->rate; }
};

template <class C, bool nesterov> struct MomentumRule : Common<C> {
  static constexpr int slots = 1;
  C momentum;
  KG_DEVICE void prepare(const Params& p) {
    this->read(p);
    momentum = (C)p.f[0];
  }
  KG_DEVICE void operator()(C& x, C g, C& m, C&, C&) const {
    const C step = g * this->rate;
    m = m * momentum - step;
    x += nesterov ? m * momentum - step : m;
  }
};
template <class C> struct Momentum : MomentumRule<C, false> {};
template <class C> struct Nesterov : MomentumRule<C, true> {};

template <class C, bool has_momentum, bool centered> struct RmsPropRule : Common<C> {
  static constexpr int slots = 1 + has_momentum + centered;
  C rho, gain, momentum, epsilon;
  KG_DEVICE void prepare(const Params& p) {
    this->read(p);
    rho = (C)p.f[0];
    gain = (C)(1 - p.f[0]);
    momentum = (C)p.f[1];
    epsilon = (C)p.f[2];
  }
  KG_DEVICE void operator()(C& x, C g, C& v, C& second, C& third) const {
    C &m = second, &mean = has_momentum ? third : second;
    v = rho * v + gain * (g * g);
    C denominator = v + epsilon;
    if (centered) {
      mean = rho * mean + gain * g;
      denominator = v - mean * mean + epsilon;
    }
    C step = this->rate * g / root(denominator);
    if (has_momentum) step = m = momentum * m + step;
    x -= step;
  }
};
template <class C> struct RmsProp : RmsPropRule<C, false, false> {};
template <class C> struct RmsPropCentered : RmsPropRule<C, false, true> {};
template <class C> struct RmsPropMomentum : RmsPropRule<C, true, false> {};
template <class C> struct RmsPropBoth : RmsPropRule<C, true, true> {};

template <class C> struct Adagrad : Common<C> {
  static constexpr int slots = 1;
  C epsilon;
  KG_DEVICE void prepare(const Params& p) {
    this->read(p);
    epsilon = (C)p.f[0];
  }
  KG_DEVICE void operator()(C& x, C g, C& a, C&, C&) const {
    a += g * g;
    x -= this->rate * g / root(a + epsilon);
  }
};

template <class C> struct Adadelta : Common<C> {
  static constexpr int slots = 2;
  C rho, gain, epsilon;
  KG_DEVICE void prepare(const Params& p) {
    this->read(p);
    rho = (C)p.f[0];
    gain = (C)(1 - p.f[0]);
    epsilon = (C)p.f[1];
  }
  KG_DEVICE void operator()(C& x, C g, C& a, C& d, C&) const {
    a = rho * a + gain * (g * g);
    const C step = -(root(d + epsilon) * g / root(a + epsilon));
    d = rho * d + gain * (step * step);
    x += this->rate * step;
  }
};

template <class C> struct Lion : Common<C> {
  static constexpr int slots = 1;
  C beta_1, beta_2, gain_1, gain_2;
  KG_DEVICE void prepare(const Params& p) {
    this->read(p);
    beta_1 = (C)p.f[0];
    beta_2 = (C)p.f[1];
    gain_1 = 1 - beta_1;
    gain_2 = 1 - beta_2;
  }
  KG_DEVICE void operator()(C& x, C g, C& m, C&, C&) const {
    const C direction = m * beta_1 + g * gain_1;
    // A NaN direction must show in x, so it is not turned into 0.
    const C sign = direction > 0 ? C(1) : direction < 0 ? C(-1) : direction;
    x -= this->rate * sign;
    m = m * beta_2 + g * gain_2;
  }
};

template <class C, bool square_root> struct FtrlRule : Common<C> {
  static constexpr int slots = 2;
  C exponent, l1, l2, shrinkage;
  KG_DEVICE void prepare(const Params& p) {
    this->read(p);
    exponent = (C)-p.f[0];
    l1 = (C)p.f[1];
    l2 = (C)p.f[2] + (C)p.f[4] / (2 * this->rate);
    shrinkage = (C)(2 * p.f[3]);
  }
  KG_DEVICE C raise(C n) const { return square_root ? root(n) : raised_to(n, exponent); }
  KG_DEVICE void operator()(C& x, C g, C& n, C& z, C&) const {
    const C next = n + g * g, raised = raise(next);
    z += g + shrinkage * x - (raised - raise(n)) / this->rate * x;
    const C clipped = z > l1 ? l1 : z < -l1 ? -l1 : z;
    x = (clipped - z) / (raised / this->rate + 2 * l2);
    n = next;
  }
};
template <class C> struct Ftrl : FtrlRule<C, true> {};
template <class C> struct FtrlPower : FtrlRule<C, false> {};

}  // namespace kg
