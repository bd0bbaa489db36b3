// Adam and its relatives, as rules (optimizer_sgd.cuh says what a rule is). Formulas, the places of epsilon and the order of operations
// are those of csrc/cpu/optimizer_adam.cpp, which names the papers; so are the bits (-fmad=false).
#pragma once
#include "optimizer.cuh"

namespace kg {

template <class C> struct Moments : Common<C> {
  C beta_1, beta_2, epsilon, gain_1, gain_2, power_1, power_2;
  KG_DEVICE void read_moments(const Params& p) {
    this->read(p);
    beta_1 = (C)p.f[0];
    beta_2 = (C)p.f[1];
    epsilon = (C)p.f[2];
    gain_1 = (C)(1 - p.f[0]);
    gain_2 = (C)(1 - p.f[1]);
    power_1 = (C)power(beta_1, this->step);
    power_2 = (C)power(beta_2, this->step);
  }
};

template <class C> struct Adam : Moments<C> {
  static constexpr int slots = 2;
  C alpha;
  KG_DEVICE void prepare(const Params& p) {
    this->read_moments(p);
    alpha = this->rate * root(1 - this->power_2) / (1 - this->power_1);
  }
  KG_DEVICE void operator()(C& x, C g, C& m, C& v, C&) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
    x -= m * alpha / (root(v) + this->epsilon);
  }
};

template <class C> struct AdamMax : Adam<C> {
  static constexpr int slots = 3;
  KG_DEVICE void operator()(C& x, C g, C& m, C& v, C& v_max) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
    v_max = v_max > v ? v_max : v;
    x -= m * this->alpha / (root(v_max) + this->epsilon);
  }
};

template <class C> struct Adamax : Moments<C> {
  static constexpr int slots = 2;
  C correction;
  KG_DEVICE void prepare(const Params& p) {
    this->read_moments(p);
    correction = 1 - this->power_1;
  }
  KG_DEVICE void operator()(C& x, C g, C& m, C& u, C&) const {
    const C old = this->beta_2 * u, size = g < 0 ? -g : g;
    m += (g - m) * this->gain_1;
    u = old > size ? old : size;
    x -= this->rate * m / (correction * (u + this->epsilon));
  }
};

template <class C> struct Nadam : Moments<C> {
  static constexpr int slots = 2;
  C u_t, u_next, product_t, product_next, correction;
  KG_DEVICE void prepare(const Params& p) {
    this->read_moments(p);
    const double decay = (C)0.96;
    u_t = this->beta_1 * (1 - (C)0.5 * (C)power(decay, this->step));
    u_next = this->beta_1 * (1 - (C)0.5 * (C)power(decay, this->step + 1));
    product_t = widen(static_cast<const T*>(p.shared)[0]) * u_t;
    product_next = product_t * u_next;
    correction = 1 - this->power_2;
  }
  KG_DEVICE void operator()(C& x, C g, C& m, C& v, C&) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
    const C m_hat = u_next * m / (1 - product_next) + (1 - u_t) * g / (1 - product_t);
    x -= m_hat * this->rate / (root(v / correction) + this->epsilon);
  }
};

// First half of LAMB: the moments. The norms follow, then x.
template <class C> struct Lamb : Moments<C> {
  static constexpr int slots = 2;
  KG_DEVICE void prepare(const Params& p) { this->read_moments(p); }
  KG_DEVICE void operator()(C&, C g, C& m, C& v, C&) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
  }
  KG_DEVICE C update(C m, C v) const { return m / (1 - this->power_1) / (root(v / (1 - this->power_2)) + this->epsilon); }
};

}  // namespace kg
