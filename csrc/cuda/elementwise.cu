// elementwise, one or a few instructions on any shapes: out[i] = f(in_0[i], in_1[i], ...), f read from the parameters.
//
// This kernel interprets the program of csrc/cpu/elementwise.cpp, so that an operation that was never seen runs without being
// compiled first; a chain that will run often is compiled by itself (elementwise_chain.cu). Both use the functions of elementwise_ops.cuh, so their bits are
// the same.
//
// Shapes: an index space dims (ndim <= 8) of `size` elements, strides per input in elements (0 repeats), outputs contiguous.
// Grid: 256 threads a block, one element a thread and a stride of the whole grid. Registers live in local memory. No shared memory.
// Defines: KG_T (float, double, int64_t, uint64_t) the compute type; KG_INTEGER for the last two.
// generated.cuh: KG_CASES(X), an X(name, arity, number) for every instruction that T has.
#ifdef KG_INTEGER
#include "elementwise_int.cuh"
#else
#include "elementwise_ops.cuh"
#endif
#include "generated.cuh"

namespace kg {

typedef KG_T T;
constexpr int kInputs = 4, kOutputs = 2, kSteps = 4, kConstants = 4, kDims = 8;

struct Params {
  const void* in[kInputs];
  void* out[kOutputs];
  int64_t size, dims[kDims], strides[kInputs][kDims];
  T constants[kConstants];
  int32_t ndim, n_in, n_const, n_out, n_steps;
  int32_t packed;  // bit k: input k has the layout of the output
  int32_t in_dtype[kInputs], out_dtype[kOutputs], out_register[kOutputs];
  int32_t step[kSteps][5];  // opcode, destination, arguments
};

template <int arity> struct Apply;
template <> struct Apply<1> {
  template <class F> KG_DEVICE static T run(const F& f, T a, T, T) { return f(a); }
};
template <> struct Apply<2> {
  template <class F> KG_DEVICE static T run(const F& f, T a, T b, T) { return f(a, b); }
};
template <> struct Apply<3> {
  template <class F> KG_DEVICE static T run(const F& f, T a, T b, T c) { return f(a, b, c); }
};

KG_DEVICE T instruction(int opcode, T a, T b, T c) {
  switch (opcode) {
#define KG_CASE(name, arity, number) \
  case number: return Apply<arity>::run([](auto... x) { return op_##name<T>(x...); }, a, b, c);
    KG_CASES(KG_CASE)
    default: return a;
  }
}

KG_KERNEL(elementwise, Params, 256) {
  for (int64_t i = global_index(); i < p.size; i += global_size()) {
    T reg[kInputs + kConstants + kSteps];
    for (int k = 0; k < p.n_in; ++k) {
      int64_t at = i;
      if (!(p.packed >> k & 1)) {
        at = 0;
        int64_t rest = i;
        for (int d = p.ndim - 1; d >= 0; --d) {
          const int64_t next = rest / p.dims[d];
          at += (rest - next * p.dims[d]) * p.strides[k][d];
          rest = next;
        }
      }
      reg[k] = load_as<T>(p.in[k], p.in_dtype[k], at);
    }
    for (int k = 0; k < p.n_const; ++k) reg[p.n_in + k] = p.constants[k];
    for (int s = 0; s < p.n_steps; ++s)
      reg[p.step[s][1]] = instruction(p.step[s][0], reg[p.step[s][2]], reg[p.step[s][3]], reg[p.step[s][4]]);
    for (int k = 0; k < p.n_out; ++k) store_as<T>(p.out[k], p.out_dtype[k], i, reg[p.out_register[k]]);
  }
}

}  // namespace kg
