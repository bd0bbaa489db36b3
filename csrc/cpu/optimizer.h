// What all optimizer kernels share: one launch updates every tensor of a model.
//
// in:  learning_rate (1) float32 or float64, iterations (1) int32 or int64, then the n gradients
// out: the n variables, then n tensors of each slot kind in the order that the kernel states
// ints: n, n element counts, n flags (1: weight decay applies to this tensor), then the kernel's own
// floats: weight_decay (0 for none), then the kernel's own
// Gradients, variables and slots have one dtype: float32, float64, or float16 / bfloat16 (computed in float). What changes
// from step to step is read from the two arrays; t = iterations + 1. Weight decay is decoupled and comes first, as in Keras:
// x -= x * weight_decay * learning_rate.
//
// Threads take fixed ranges of the tensors laid end to end, so one large tensor and many small ones are split alike.
#pragma once
#include <cmath>

#include "numeric.h"
#include "parallel.h"
#include "quotient.h"

namespace KG_NS {

constexpr int64_t kUpdateGrain = 1 << 12;  // elements: a few us

// base^n for n >= 0 by repeated squaring: the same bits everywhere, unlike pow of a mathematics library.
inline double power(double base, int64_t n) {
  double result = 1;
  for (; n > 0; n >>= 1, base *= base)
    if (n & 1) result *= base;
  return result;
}

// What the floats of every optimizer begin with, and those of Adam's family.
KG_FLOATS(UpdateFloats, weight_decay);
KG_FLOATS(AdamFloats, weight_decay, beta_1, beta_2, epsilon);
KG_INTS_AND_LISTS(UpdateInts, "counts..., decay...", tensors);

struct Tensors {
  int64_t n = 0, total = 0;
  const int64_t *counts = nullptr, *decay = nullptr;
};

inline double read_learning_rate(const Call& call) {
  if (call.in[0].dtype == kF64) return *input<double>(call, 0, 1);
  return *input<float>(call, 0, 1);
}
inline int64_t read_step(const Call& call) {  // t = iterations + 1
  const int64_t t = call.in[1].dtype == kI32 ? *input<int32_t>(call, 1, 1) : *input<int64_t>(call, 1, 1);
  return t + 1;
}

// Checks the common operands. n_slots: slot kinds; extra_out: outputs after them; n_i, n_f: the kernel's own parameters.
inline Tensors read_tensors(const Call& call, int n_slots, int extra_out, int n_i, int n_f) {
  const int64_t n = ints<UpdateInts>(call).tensors;
  if (n < 0 || n > 4096) fail(call, "number of tensors", n, 4096);
  expect(call, static_cast<int>(2 + n), static_cast<int>(n * (1 + n_slots) + extra_out), static_cast<int>(1 + 2 * n + n_i),
         1 + n_f);
  Tensors t{n, 0, call.i + 1, call.i + 1 + n};
  if (n == 0) return t;
  const DType dtype = call.out[0].dtype;
  for (int64_t k = 0; k < n; ++k) {
    const int64_t bytes = checked_mul(call, t.counts[k], dtype_size(dtype));
    if (__builtin_add_overflow(t.total, t.counts[k], &t.total)) fail(call, "element count", t.counts[k], 0);
    const auto check = [&](const Buffer& b, const char* what) {
      if (b.dtype != dtype) fail_dtype(call, what, static_cast<int>(k), b.dtype, dtype_name(dtype));
      if (b.bytes < bytes) fail(call, what, b.bytes / dtype_size(dtype), t.counts[k]);
    };
    check(call.in[2 + k], "gradient");
    for (int s = 0; s <= n_slots; ++s) check(call.out[s * n + k], s == 0 ? "variable" : "slot");
  }
  read_learning_rate(call);  // checked here also for the rules that do not use both
  read_step(call);
  return t;
}
// The kernel's own flag behind the lists; false where the call is too short, which read_tensors says.
inline bool own_flag(const Call& call) {
  const int64_t n = ints<UpdateInts>(call).tensors;
  return n >= 0 && n <= 4096 && call.n_i > 1 + 2 * n && *(call.i + 1 + 2 * n) != 0;
}

// f(T{}) for the dtype of the variables.
template <class F> void by_variable_dtype(const Call& call, const F& f) {
  switch (call.out[0].dtype) {
    case kF32: return f(float{});
    case kF64: return f(double{});
    case kF16: return f(f16{});
    case kBF16: return f(bf16{});
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "float16, bfloat16, float32 or float64");
  }
}

// body(tensor, begin, end) over the tensors laid end to end.
template <class F> void for_pieces(const Tensors& t, const F& body) {
  parallel_range(t.total, kUpdateGrain, [&](int64_t begin, int64_t end) {
    int64_t first = 0;
    for (int64_t k = 0; k < t.n && first < end; first += t.counts[k++]) {
      const int64_t from = begin > first ? begin - first : 0;
      const int64_t to = end - first < t.counts[k] ? end - first : t.counts[k];
      if (from < to) body(k, from, to);
    }
  });
}

// rule(x, g, a, b, c): updates x and as many of the slots as Rule::slots says, all in the compute type of T.
template <bool decay, class T, class Rule>
void update_piece(const Rule& rule, const T* __restrict g, T* __restrict x, T* __restrict a, T* __restrict b, T* __restrict c,
                  int64_t n) {
  typedef typename compute<T>::type C;
  const Rule r = rule;  // a copy, so that stores to x cannot be thought to change it
  for (int64_t k = 0; k < n; ++k) {
    C xk = widen(x[k]), ak = 0, bk = 0, ck = 0;
    if constexpr (decay) xk = xk - xk * r.weight_decay * r.learning_rate;
    if constexpr (Rule::slots > 0) ak = widen(a[k]);
    if constexpr (Rule::slots > 1) bk = widen(b[k]);
    if constexpr (Rule::slots > 2) ck = widen(c[k]);
    r(xk, widen(g[k]), ak, bk, ck);
    x[k] = narrow<T>(xk);
    if constexpr (Rule::slots > 0) a[k] = narrow<T>(ak);
    if constexpr (Rule::slots > 1) b[k] = narrow<T>(bk);
    if constexpr (Rule::slots > 2) c[k] = narrow<T>(ck);
  }
}

// The same in vectors, for a rule whose operator() takes them.
template <bool decay, class Rule>
void update_vectors(const Rule& rule, const float* g, float* x, float* a, float* b, float* c, int64_t n) {
  const Rule r = rule;
  const auto step = [&](int64_t k, auto load, auto store) {
    vf xk = load(x + k), ak{}, bk{}, ck{};
    if constexpr (decay) xk = xk - xk * r.weight_decay * r.learning_rate;
    if constexpr (Rule::slots > 0) ak = load(a + k);
    if constexpr (Rule::slots > 1) bk = load(b + k);
    if constexpr (Rule::slots > 2) ck = load(c + k);
    r(xk, load(g + k), ak, bk, ck);
    store(x + k, xk);
    if constexpr (Rule::slots > 0) store(a + k, ak);
    if constexpr (Rule::slots > 1) store(b + k, bk);
    if constexpr (Rule::slots > 2) store(c + k, ck);
  };
  int64_t k = 0;
  for (; k + kLanes <= n; k += kLanes) step(k, [](const float* p) { return vload(p); }, [](float* p, vf v) { vstore(p, v); });
  const int64_t rest = n - k;
  if (rest > 0) step(k, [&](const float* p) { return vload_n(p, rest); }, [&](float* p, vf v) { vstore_n(p, v, rest); });
}
template <class Rule, class = void> constexpr bool takes_vectors = false;
template <class Rule> constexpr bool takes_vectors<Rule, typename std::enable_if<Rule::vectors>::type> = true;

template <bool decay, class T, class Rule>
void update_any(const Rule& rule, const T* g, T* const* p, int64_t n) {
  if constexpr (std::is_same<T, float>::value && takes_vectors<Rule>) {
    update_vectors<decay>(rule, g, p[0], p[1], p[2], p[3], n);
  } else {
    update_piece<decay>(rule, g, p[0], p[1], p[2], p[3], n);
  }
}

// Every rule starts with these two.
template <class C> struct RuleBase {
  C weight_decay, learning_rate;
  explicit RuleBase(const Call& call)
      : weight_decay(static_cast<C>(floats<UpdateFloats>(call).weight_decay)),
        learning_rate(static_cast<C>(read_learning_rate(call))) {}
};

template <class T, class Rule> void update_tensors(const Call& call, const Tensors& t, const Rule& rule) {
  const bool decays = floats<UpdateFloats>(call).weight_decay != 0;
  for_pieces(t, [&](int64_t k, int64_t begin, int64_t end) {
    const T* g = static_cast<const T*>(call.in[2 + k].data) + begin;
    T* p[4] = {};
    for (int s = 0; s <= Rule::slots; ++s) p[s] = static_cast<T*>(call.out[s * t.n + k].data) + begin;
    if (decays && t.decay[k]) {
      update_any<true>(rule, g, p, end - begin);
    } else {
      update_any<false>(rule, g, p, end - begin);
    }
  });
}

// A kernel whose rule is Rule<C>(call), C the compute type.
template <template <class> class Rule> void optimizer(const Call& call, int n_i, int n_f) {
  const Tensors t = read_tensors(call, Rule<float>::slots, 0, n_i, n_f);
  if (t.n == 0) return;
  by_variable_dtype(call, [&](auto tag) {
    using T = decltype(tag);
    update_tensors<T>(call, t, Rule<typename compute<T>::type>(call));
  });
}

}  // namespace KG_NS
