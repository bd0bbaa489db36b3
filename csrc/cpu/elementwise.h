// What the instruction tables of "elementwise" look like, and the limits of one call.
#pragma once
#include <type_traits>

#include "../common/opcodes.h"
#include "kernel.h"

namespace KG_NS {

constexpr int kMaxRegisters = 64;  // inputs, constants and temporaries of one call together
constexpr int kMaxInstructions = 64;
constexpr int kMaxOutputs = 16;
constexpr int kMaxDims = 16;

// out[i] = op(a[i], b[i], c[i]) for i in [0, n). out may be any of the arguments. Null: not defined for this type.
template <class T> using Op = void (*)(const T* a, const T* b, const T* c, T* out, int64_t n);

template <class T> struct OpTable {
  Op<T> op[kNumOpcodes];
};

const OpTable<float>& float_ops();
const OpTable<double>& double_ops();
const OpTable<int64_t>& int64_ops();
const OpTable<uint64_t>& uint64_ops();

constexpr int kOpArity[] = {
#define KG_ARITY(name, arity, cost) arity,
    KG_OPCODES(KG_ARITY)
#undef KG_ARITY
};
constexpr int kOpCost[] = {
#define KG_COST(name, arity, cost) cost,
    KG_OPCODES(KG_COST)
#undef KG_COST
};

// A loop over vectors around one function of V. Loader<V> has load, load_n, store and store_n.
template <class V, class T, class Memory> struct VectorLoop {
  static constexpr int64_t kStep = sizeof(V) / sizeof(T);
  template <V (*F)(V)> static void unary(const T* a, const T*, const T*, T* out, int64_t n) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) Memory::store(out + i, F(Memory::load(a + i)));
    if (i < n) Memory::store_n(out + i, F(Memory::load_n(a + i, n - i)), n - i);
  }
  template <V (*F)(V, V)> static void binary(const T* a, const T* b, const T*, T* out, int64_t n) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) Memory::store(out + i, F(Memory::load(a + i), Memory::load(b + i)));
    if (i < n) Memory::store_n(out + i, F(Memory::load_n(a + i, n - i), Memory::load_n(b + i, n - i)), n - i);
  }
  template <V (*F)(V, V, V)> static void ternary(const T* a, const T* b, const T* c, T* out, int64_t n) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) Memory::store(out + i, F(Memory::load(a + i), Memory::load(b + i), Memory::load(c + i)));
    if (i < n) {
      const int64_t m = n - i;
      Memory::store_n(out + i, F(Memory::load_n(a + i, m), Memory::load_n(b + i, m), Memory::load_n(c + i, m)), m);
    }
  }
};

// Picks unary, binary or ternary from the type of F; a null F gives a null entry.
template <class Loop, class F, F f> struct Entry {
  static constexpr std::nullptr_t op = nullptr;
};
template <class Loop, class V, V (*f)(V)> struct Entry<Loop, V (*)(V), f> {
  static constexpr auto op = &Loop::template unary<f>;
};
template <class Loop, class V, V (*f)(V, V)> struct Entry<Loop, V (*)(V, V), f> {
  static constexpr auto op = &Loop::template binary<f>;
};
template <class Loop, class V, V (*f)(V, V, V)> struct Entry<Loop, V (*)(V, V, V), f> {
  static constexpr auto op = &Loop::template ternary<f>;
};
template <class F> constexpr F* decayed(F* f) { return f; }
constexpr std::nullptr_t decayed(std::nullptr_t) { return nullptr; }

// The table of all instructions of Ops, each wrapped in Loop.
#define KG_TABLE_ENTRY(name, arity, cost) Entry<Loop, decltype(decayed(Ops::name)), decayed(Ops::name)>::op,
#define KG_OP_TABLE(T)             \
  {                                \
    { KG_OPCODES(KG_TABLE_ENTRY) } \
  }

}  // namespace KG_NS
