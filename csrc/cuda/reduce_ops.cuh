// The operations of "reduce" on an accumulator type A (float, double, int64_t, uint64_t): what one element becomes (map), how two
// partial results join, and what the result is (finish, n elements). An operation's Acc is what it keeps while it reduces.
#pragma once
#include "block.cuh"

namespace kg {

template <class A> KG_DEVICE A lowest() {
  if constexpr (is_float<A>)
    return A(-infinity());
  else
    return is_signed<A> ? A((uint64_t)1 << 63) : A(0);
}
template <class A> KG_DEVICE A highest() {
  if constexpr (is_float<A>)
    return A(infinity());
  else
    return is_signed<A> ? A(~((uint64_t)1 << 63)) : ~A(0);
}
// Signed sums and products wrap.
template <class A> KG_DEVICE A wrapping_sum(A a, A b) {
  if constexpr (is_same<A, int64_t>)
    return (int64_t)((uint64_t)a + (uint64_t)b);
  else
    return a + b;
}
template <class A> KG_DEVICE A wrapping_product(A a, A b) {
  if constexpr (is_same<A, int64_t>)
    return (int64_t)((uint64_t)a * (uint64_t)b);
  else
    return a * b;
}

template <class A> struct Sum {
  typedef A Acc;
  KG_DEVICE static Acc identity() { return 0; }
  KG_DEVICE static Acc map(A x, int64_t) { return x; }
  KG_DEVICE static Acc join(Acc a, Acc b) { return wrapping_sum(a, b); }
  KG_DEVICE static A finish(Acc a, int64_t) { return a; }
};
template <class A> struct Mean : Sum<A> {
  KG_DEVICE static A finish(A a, int64_t n) { return a / A(n); }
};
template <class A> struct SquareSum : Sum<A> {
  KG_DEVICE static A map(A x, int64_t) { return wrapping_product(x, x); }
};
template <class A> struct Product : Sum<A> {
  KG_DEVICE static A identity() { return 1; }
  KG_DEVICE static A join(A a, A b) { return wrapping_product(a, b); }
};
template <class A> struct Max : Sum<A> {  // a NaN wins
  KG_DEVICE static A identity() { return lowest<A>(); }
  KG_DEVICE static A join(A a, A b) { return a != a ? a : (a > b ? a : b); }
};
template <class A> struct Min : Sum<A> {
  KG_DEVICE static A identity() { return highest<A>(); }
  KG_DEVICE static A join(A a, A b) { return a != a ? a : (a < b ? a : b); }
};
template <class A> struct Any : Sum<A> {
  KG_DEVICE static A map(A x, int64_t) { return A(x != 0); }
  KG_DEVICE static A join(A a, A b) { return a > b ? a : b; }
};
template <class A> struct All : Any<A> {
  KG_DEVICE static A identity() { return 1; }
  KG_DEVICE static A join(A a, A b) { return a < b ? a : b; }
};

// The best value so far and where it was found; the first one wins, and the first NaN over everything.
template <class A> struct Place {
  A value;
  int64_t at;  // -1: nothing yet
};
template <class A> struct Exchange<Place<A>> {
  KG_DEVICE static Place<A> with(const Place<A>& x, int d) { return {shuffle_xor(x.value, d), shuffle_xor(x.at, d)}; }
};
template <class A, bool largest> struct ArgBest {
  typedef Place<A> Acc;
  KG_DEVICE static Acc identity() { return {A(0), -1}; }
  KG_DEVICE static Acc map(A x, int64_t at) { return {x, at}; }
  KG_DEVICE static bool better(Acc a, Acc b) {  // a before b
    if (b.at < 0) return true;
    if (a.at < 0) return false;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan || b_nan) return a_nan && (!b_nan || a.at < b.at);
    if (a.value == b.value) return a.at < b.at;
    return largest ? a.value > b.value : a.value < b.value;
  }
  KG_DEVICE static Acc join(Acc a, Acc b) { return better(a, b) ? a : b; }
  KG_DEVICE static int64_t finish(Acc a, int64_t) { return a.at; }
};
template <class A> struct ArgMax : ArgBest<A, true> {};
template <class A> struct ArgMin : ArgBest<A, false> {};

// log(sum(exp(x))) as the largest x and the sum of exp(x - largest), renewed when a larger one comes.
template <class A> struct Scaled {
  A largest, sum;
};
template <class A> struct Exchange<Scaled<A>> {
  KG_DEVICE static Scaled<A> with(const Scaled<A>& x, int d) { return {shuffle_xor(x.largest, d), shuffle_xor(x.sum, d)}; }
};
KG_DEVICE float exponential(float x) { return ::expf(x); }
KG_DEVICE double exponential(double x) { return ::exp(x); }
KG_DEVICE float logarithm(float x) { return ::logf(x); }
KG_DEVICE double logarithm(double x) { return ::log(x); }
template <class A> struct LogSumExp {
  typedef Scaled<A> Acc;
  KG_DEVICE static Acc identity() { return {lowest<A>(), A(0)}; }
  KG_DEVICE static Acc map(A x, int64_t) { return {x, A(1)}; }
  KG_DEVICE static Acc join(Acc a, Acc b) {
    if (a.largest == b.largest) return {a.largest, a.sum + b.sum};  // equal infinities too
    const bool first = a.largest > b.largest || a.largest != a.largest;
    const Acc high = first ? a : b, low = first ? b : a;
    return {high.largest, high.sum + low.sum * exponential(low.largest - high.largest)};
  }
  KG_DEVICE static A finish(Acc a, int64_t) { return a.largest + logarithm(a.sum); }
};

}  // namespace kg
