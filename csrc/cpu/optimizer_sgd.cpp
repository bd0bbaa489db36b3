// Stochastic gradient descent and the methods that scale it. Operands and the common parameters: optimizer.h.
// Formulas and the places of epsilon are those of Keras. floats follow weight_decay. lr: learning rate, g: gradient, x: variable.
//
// sgd       floats: momentum; ints: nesterov.  slots: m, unless momentum is 0
//           x -= lr g;  or m = momentum m - lr g and x += m (nesterov: x += momentum m - lr g)
// rmsprop   Tieleman and Hinton (2012).  floats: rho, momentum, epsilon; ints: centered.  slots: v [, m if momentum > 0] [, mean]
//           v = rho v + (1 - rho) g^2;  step = lr g / sqrt(v - mean^2 + epsilon), mean = rho mean + (1 - rho) g if centered
//           x -= step;  or m = momentum m + step and x -= m
// adagrad   Duchi et al. (2011).  floats: epsilon.  slots: a.   a += g^2;  x -= lr g / sqrt(a + epsilon)
// adadelta  Zeiler (2012).  floats: rho, epsilon.  slots: a, d
//           a = rho a + (1 - rho) g^2;  step = -sqrt(d + epsilon) g / sqrt(a + epsilon);  d = rho d + (1 - rho) step^2;  x += lr step
// lion      Chen et al. (2023).  floats: beta_1, beta_2.  slots: m
//           x -= lr sign(beta_1 m + (1 - beta_1) g);  m = beta_2 m + (1 - beta_2) g
// ftrl      McMahan et al. (2013).  floats: power, l1, l2, l2_shrinkage, beta.  slots: n, z
//           n' = n + g^2;  z += g + 2 l2_shrinkage x - (n'^-power - n^-power) / lr x;
//           x = (clip(z, -l1, l1) - z) / (n'^-power / lr + 2 (l2 + beta / (2 lr)))
#include "optimizer.h"

namespace KG_NS {
namespace {

KG_INTS_AND_LISTS(SgdInts, "counts..., decay..., nesterov", tensors);
KG_FLOATS(SgdFloats, weight_decay, momentum);
KG_INTS_AND_LISTS(RmsPropInts, "counts..., decay..., centered", tensors);
KG_FLOATS(RmsPropFloats, weight_decay, rho, momentum, epsilon);
KG_FLOATS(AdagradFloats, weight_decay, epsilon);
KG_FLOATS(AdadeltaFloats, weight_decay, rho, epsilon);
KG_FLOATS(LionFloats, weight_decay, beta_1, beta_2);
KG_FLOATS(FtrlFloats, weight_decay, power, l1, l2, l2_shrinkage, beta);

template <class C> struct Sgd : RuleBase<C> {
  static constexpr int slots = 0;
  explicit Sgd(const Call& call) : RuleBase<C>(call) {}
  void operator()(C& x, C g, C&, C&, C&) const { x -= g * this->learning_rate; }
};

template <bool nesterov> struct Momentum {
  template <class C> struct Rule : RuleBase<C> {
    static constexpr int slots = 1;
    C momentum;
    explicit Rule(const Call& call) : RuleBase<C>(call), momentum(static_cast<C>(floats<SgdFloats>(call).momentum)) {}
    void operator()(C& x, C g, C& m, C&, C&) const {
      const C step = g * this->learning_rate;
      m = m * momentum - step;
      x += nesterov ? m * momentum - step : m;
    }
  };
};

template <bool has_momentum, bool centered> struct RmsProp {
  template <class C> struct Rule : RuleBase<C> {
    static constexpr int slots = 1 + has_momentum + centered;
    static constexpr bool vectors = true;
    C rho, gain, momentum, epsilon;
    explicit Rule(const Call& call) : RuleBase<C>(call) {
      const auto f = floats<RmsPropFloats>(call);
      rho = static_cast<C>(f.rho);
      gain = static_cast<C>(1 - f.rho);
      momentum = static_cast<C>(f.momentum);
      epsilon = static_cast<C>(f.epsilon);
    }
    template <class V> void operator()(V& x, V g, V& v, V& second, V& third) const {
      V &m = second, &mean = has_momentum ? third : second;
      v = rho * v + gain * (g * g);
      V denominator = v + epsilon;
      if (centered) {
        mean = rho * mean + gain * g;
        denominator = v - mean * mean + epsilon;
      }
      V step = quotient(this->learning_rate * g, root(denominator));
      if (has_momentum) step = m = momentum * m + step;
      x -= step;
    }
  };
};

template <class C> struct Adagrad : RuleBase<C> {
  static constexpr int slots = 1;
  static constexpr bool vectors = true;
  C epsilon;
  explicit Adagrad(const Call& call) : RuleBase<C>(call), epsilon(static_cast<C>(floats<AdagradFloats>(call).epsilon)) {}
  template <class V> void operator()(V& x, V g, V& a, V&, V&) const {
    a += g * g;
    x -= quotient(this->learning_rate * g, root(a + epsilon));
  }
};

template <class C> struct Adadelta : RuleBase<C> {
  static constexpr int slots = 2;
  C rho, gain, epsilon;
  explicit Adadelta(const Call& call) : RuleBase<C>(call) {
    const auto f = floats<AdadeltaFloats>(call);
    rho = static_cast<C>(f.rho);
    gain = static_cast<C>(1 - f.rho);
    epsilon = static_cast<C>(f.epsilon);
  }
  void operator()(C& x, C g, C& a, C& d, C&) const {
    a = rho * a + gain * (g * g);
    const C step = -(std::sqrt(d + epsilon) * g / std::sqrt(a + epsilon));
    d = rho * d + gain * (step * step);
    x += this->learning_rate * step;
  }
};

template <class C> struct Lion : RuleBase<C> {
  static constexpr int slots = 1;
  C beta_1, beta_2, gain_1, gain_2;
  explicit Lion(const Call& call) : RuleBase<C>(call) {
    const auto f = floats<LionFloats>(call);
    beta_1 = static_cast<C>(f.beta_1);
    beta_2 = static_cast<C>(f.beta_2);
    gain_1 = 1 - beta_1;
    gain_2 = 1 - beta_2;
  }
  void operator()(C& x, C g, C& m, C&, C&) const {
    const C direction = m * beta_1 + g * gain_1;
    // A NaN direction must show in x, so it is not turned into 0.
    const C sign = direction > 0 ? C(1) : direction < 0 ? C(-1) : direction;
    x -= this->learning_rate * sign;
    m = m * beta_2 + g * gain_2;
  }
};

template <bool root> struct Ftrl {  // root: power is -1/2, so that n^-power is a square root
  template <class C> struct Rule : RuleBase<C> {
    static constexpr int slots = 2;
    C exponent, l1, l2, shrinkage;
    explicit Rule(const Call& call) : RuleBase<C>(call) {
      const auto f = floats<FtrlFloats>(call);
      exponent = static_cast<C>(-f.power);
      l1 = static_cast<C>(f.l1);
      l2 = static_cast<C>(f.l2) + static_cast<C>(f.beta) / (2 * this->learning_rate);
      shrinkage = static_cast<C>(2 * f.l2_shrinkage);
    }
    C raise(C n) const { return root ? std::sqrt(n) : std::pow(n, exponent); }
    void operator()(C& x, C g, C& n, C& z, C&) const {
      const C next = n + g * g, raised = raise(next);
      z += g + shrinkage * x - (raised - raise(n)) / this->learning_rate * x;
      const C clipped = z > l1 ? l1 : z < -l1 ? -l1 : z;
      x = (clipped - z) / (raised / this->learning_rate + 2 * l2);
      n = next;
    }
  };
};

}  // namespace

void sgd(const Call& call) {
  if (floats<SgdFloats>(call).momentum == 0) return optimizer<Sgd>(call, 1, 1);
  if (own_flag(call)) return optimizer<Momentum<true>::Rule>(call, 1, 1);
  optimizer<Momentum<false>::Rule>(call, 1, 1);
}

void rmsprop(const Call& call) {
  const bool centered = own_flag(call);
  if (floats<RmsPropFloats>(call).momentum > 0) {
    if (centered) return optimizer<RmsProp<true, true>::Rule>(call, 1, 3);
    return optimizer<RmsProp<true, false>::Rule>(call, 1, 3);
  }
  if (centered) return optimizer<RmsProp<false, true>::Rule>(call, 1, 3);
  optimizer<RmsProp<false, false>::Rule>(call, 1, 3);
}

void adagrad(const Call& call) { optimizer<Adagrad>(call, 0, 1); }
void adadelta(const Call& call) { optimizer<Adadelta>(call, 0, 2); }
void lion(const Call& call) { optimizer<Lion>(call, 0, 2); }

void ftrl(const Call& call) {
  if (floats<FtrlFloats>(call).power == -0.5) return optimizer<Ftrl<true>::Rule>(call, 0, 5);
  optimizer<Ftrl<false>::Rule>(call, 0, 5);
}

}  // namespace KG_NS

KG_REGISTER(sgd, SgdInts::names, SgdFloats::names);
KG_REGISTER(rmsprop, RmsPropInts::names, RmsPropFloats::names);
KG_REGISTER(adagrad, UpdateInts::names, AdagradFloats::names);
KG_REGISTER(adadelta, UpdateInts::names, AdadeltaFloats::names);
KG_REGISTER(lion, UpdateInts::names, LionFloats::names);
KG_REGISTER(ftrl, UpdateInts::names, FtrlFloats::names);
