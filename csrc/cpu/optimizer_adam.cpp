// Adam and its relatives. Operands and the common parameters: optimizer.h. g: gradient, x: variable, t: step from 1.
// Formulas and the places of epsilon are those of Keras. floats follow weight_decay.
//
// adam    Kingma and Ba (2015), algorithm 1, with the bias corrections folded into the step size.  slots: m, v [, v_max]
//         m += (g - m)(1 - beta_1);  v += (g^2 - v)(1 - beta_2);  x -= m alpha / (sqrt(v) + epsilon),
//         alpha = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t).  floats: beta_1, beta_2, epsilon
//         ints: amsgrad (1: v_max = max(v_max, v) takes the place of v; Reddi et al. 2018)
// adamax  section 7.1 of the same paper.  slots: m, u.  floats: beta_1, beta_2, epsilon
//         u = max(beta_2 u, |g|);  x -= learning_rate m / ((1 - beta_1^t)(u + epsilon))
// nadam   Dozat (2016).  slots: m, v; then one more output: u_product (1), the product of the momentum schedule so far.
//         u_t = beta_1 (1 - 0.96^t / 2).  floats: beta_1, beta_2, epsilon.  ints: 1 to store the new u_product (the last launch)
// lamb    You et al. (2020), algorithm 2.  slots: m, v.  floats: beta_1, beta_2, epsilon
//         update = m_hat / (sqrt(v_hat) + epsilon);  x -= learning_rate (|x| / |update|) update, norms per tensor
#include <algorithm>
#include <vector>

#include "optimizer.h"

namespace KG_NS {
namespace {

template <class C> struct Moments : RuleBase<C> {
  C beta_1, beta_2, epsilon, gain_1, gain_2, power_1, power_2;
  explicit Moments(const Call& call) : RuleBase<C>(call) {
    const auto f = floats<AdamFloats>(call);
    const int64_t t = read_step(call);
    beta_1 = static_cast<C>(f.beta_1);
    beta_2 = static_cast<C>(f.beta_2);
    epsilon = static_cast<C>(f.epsilon);
    gain_1 = static_cast<C>(1 - f.beta_1);
    gain_2 = static_cast<C>(1 - f.beta_2);
    power_1 = static_cast<C>(power(beta_1, t));
    power_2 = static_cast<C>(power(beta_2, t));
  }
};

template <class C> struct Adam : Moments<C> {
  static constexpr int slots = 2;
  static constexpr bool vectors = true;
  C alpha;
  explicit Adam(const Call& call)
      : Moments<C>(call), alpha(this->learning_rate * std::sqrt(1 - this->power_2) / (1 - this->power_1)) {}
  template <class V> void operator()(V& x, V g, V& m, V& v, V&) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
    x -= quotient(m * alpha, root(v) + this->epsilon);
  }
};

template <class C> struct AdamMax : Adam<C> {
  static constexpr int slots = 3;
  explicit AdamMax(const Call& call) : Adam<C>(call) {}
  template <class V> void operator()(V& x, V g, V& m, V& v, V& v_max) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
    v_max = v_max > v ? v_max : v;
    x -= quotient(m * this->alpha, root(v_max) + this->epsilon);
  }
};

template <class C> struct Adamax : Moments<C> {
  static constexpr int slots = 2;
  C correction;
  explicit Adamax(const Call& call) : Moments<C>(call), correction(1 - this->power_1) {}
  void operator()(C& x, C g, C& m, C& u, C&) const {
    const C old = this->beta_2 * u, size = std::fabs(g);
    m += (g - m) * this->gain_1;
    u = old > size ? old : size;
    x -= this->learning_rate * m / (correction * (u + this->epsilon));
  }
};

template <class C> struct Nadam : Moments<C> {
  static constexpr int slots = 2;
  C u_t, u_next, product_t, product_next, correction;
  Nadam(const Call& call, C u_product) : Moments<C>(call) {
    const int64_t t = read_step(call);
    const double decay = static_cast<C>(0.96);
    u_t = this->beta_1 * (1 - static_cast<C>(0.5) * static_cast<C>(power(decay, t)));
    u_next = this->beta_1 * (1 - static_cast<C>(0.5) * static_cast<C>(power(decay, t + 1)));
    product_t = u_product * u_t;
    product_next = product_t * u_next;
    correction = 1 - this->power_2;
  }
  void operator()(C& x, C g, C& m, C& v, C&) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
    const C m_hat = u_next * m / (1 - product_next) + (1 - u_t) * g / (1 - product_t);
    x -= m_hat * this->learning_rate / (std::sqrt(v / correction) + this->epsilon);
  }
};

// First half of LAMB: the moments. The norms follow, then x.
template <class C> struct LambMoments : Moments<C> {
  static constexpr int slots = 2;
  explicit LambMoments(const Call& call) : Moments<C>(call) {}
  void operator()(C&, C g, C& m, C& v, C&) const {
    m += (g - m) * this->gain_1;
    v += (g * g - v) * this->gain_2;
  }
  C update(C m, C v) const { return m / (1 - this->power_1) / (std::sqrt(v / (1 - this->power_2)) + this->epsilon); }
};

struct Piece {
  int64_t tensor, begin, end;
};

template <class T> void lamb_tensors(const Call& call, const Tensors& t) {
  typedef typename compute<T>::type C;
  const LambMoments<C> rule(call);
  update_tensors<T>(call, t, rule);
  std::vector<Piece> pieces;
  for (int64_t k = 0; k < t.n; ++k)
    for (int64_t b = 0; b < t.counts[k]; b += kUpdateGrain) pieces.push_back({k, b, std::min(b + kUpdateGrain, t.counts[k])});
  std::vector<double> x_squares(pieces.size()), update_squares(pieces.size());
  const auto pointer = [&](int slot, int64_t k) { return static_cast<T*>(call.out[slot * t.n + k].data); };
  const int64_t count = static_cast<int64_t>(pieces.size());
  parallel_for(count, [&](int64_t p) {
    const Piece& piece = pieces[p];
    const T *x = pointer(0, piece.tensor), *m = pointer(1, piece.tensor), *v = pointer(2, piece.tensor);
    double sx = 0, su = 0;
    for (int64_t k = piece.begin; k < piece.end; ++k) {
      const double xk = widen(x[k]), u = rule.update(widen(m[k]), widen(v[k]));
      sx += xk * xk;
      su += u * u;
    }
    x_squares[p] = sx;
    update_squares[p] = su;
  });
  std::vector<double> norm_x(t.n), norm_u(t.n);
  for (int64_t p = 0; p < count; ++p) {
    norm_x[pieces[p].tensor] += x_squares[p];
    norm_u[pieces[p].tensor] += update_squares[p];
  }
  parallel_for(count, [&](int64_t p) {
    const Piece& piece = pieces[p];
    T* x = pointer(0, piece.tensor);
    const T *m = pointer(1, piece.tensor), *v = pointer(2, piece.tensor);
    const C xn = static_cast<C>(std::sqrt(norm_x[piece.tensor])), un = static_cast<C>(std::sqrt(norm_u[piece.tensor]));
    const C rate = (xn > 0 && un > 0 ? xn / un : C(1)) * rule.learning_rate;
    for (int64_t k = piece.begin; k < piece.end; ++k)
      x[k] = narrow<T>(widen(x[k]) - rate * rule.update(widen(m[k]), widen(v[k])));
  });
}

}  // namespace

KG_INTS_AND_LISTS(AdamInts, "counts..., decay..., amsgrad", tensors);
KG_INTS_AND_LISTS(NadamInts, "counts..., decay..., last", tensors);

void adam(const Call& call) {
  if (own_flag(call)) {
    optimizer<AdamMax>(call, 1, 3);
  } else {
    optimizer<Adam>(call, 1, 3);
  }
}

void adamax(const Call& call) { optimizer<Adamax>(call, 0, 3); }

void nadam(const Call& call) {
  const Tensors t = read_tensors(call, 2, 1, 1, 3);
  by_variable_dtype(call, [&](auto tag) {
    using T = decltype(tag);
    using C = typename compute<T>::type;
    T* u_product = output<T>(call, static_cast<int>(3 * t.n), 1);
    const Nadam<C> rule(call, widen(*u_product));
    update_tensors<T>(call, t, rule);
    if (own_flag(call)) *u_product = narrow<T>(rule.product_t);
  });
}

void lamb(const Call& call) {
  const Tensors t = read_tensors(call, 2, 0, 0, 3);
  if (t.n == 0) return;
  by_variable_dtype(call, [&](auto tag) { lamb_tensors<decltype(tag)>(call, t); });
}

}  // namespace KG_NS

KG_REGISTER(adam, AdamInts::names, AdamFloats::names);
KG_REGISTER(adamax, UpdateInts::names, AdamFloats::names);
KG_REGISTER(nadam, NadamInts::names, AdamFloats::names);
KG_REGISTER(lamb, UpdateInts::names, AdamFloats::names);
