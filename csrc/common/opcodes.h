// The instructions of the "elementwise" kernel, shared by CPU, CUDA and (parsed by a test) Python.
//
// X(name, arity, cost). The number of an instruction is its place in the list: append, never insert.
// cost: about how many times an addition it takes; it sets how much work a thread gets.
// Backward helpers take the incoming gradient g first, then y (the forward result) or x (the forward argument).
#pragma once

#define KG_OPCODES(X)         \
  X(copy, 1, 1)               \
  X(neg, 1, 1)                \
  X(abs, 1, 1)                \
  X(sign, 1, 1)               \
  X(exp, 1, 6)                \
  X(exp2, 1, 8)               \
  X(expm1, 1, 8)              \
  X(log, 1, 8)                \
  X(log1p, 1, 10)             \
  X(log2, 1, 8)               \
  X(log10, 1, 8)              \
  X(sqrt, 1, 2)               \
  X(rsqrt, 1, 4)              \
  X(cbrt, 1, 64)              \
  X(square, 1, 1)             \
  X(reciprocal, 1, 2)         \
  X(sin, 1, 16)               \
  X(cos, 1, 16)               \
  X(tan, 1, 24)               \
  X(asin, 1, 64)              \
  X(acos, 1, 64)              \
  X(atan, 1, 64)              \
  X(sinh, 1, 64)              \
  X(cosh, 1, 64)              \
  X(tanh, 1, 10)              \
  X(asinh, 1, 64)             \
  X(acosh, 1, 64)             \
  X(atanh, 1, 64)             \
  X(erf, 1, 12)               \
  X(erfc, 1, 16)              \
  X(erfinv, 1, 128)           \
  X(lgamma, 1, 128)           \
  X(digamma, 1, 128)          \
  X(sigmoid, 1, 8)            \
  X(log_sigmoid, 1, 16)       \
  X(softplus, 1, 16)          \
  X(softsign, 1, 2)           \
  X(relu, 1, 1)               \
  X(relu6, 1, 1)              \
  X(silu, 1, 8)               \
  X(gelu, 1, 16)              \
  X(gelu_tanh, 1, 10)         \
  X(selu, 1, 8)               \
  X(hard_sigmoid, 1, 2)       \
  X(floor, 1, 1)              \
  X(ceil, 1, 1)               \
  X(round, 1, 1)              \
  X(trunc, 1, 1)              \
  X(isnan, 1, 1)              \
  X(isinf, 1, 1)              \
  X(isfinite, 1, 1)           \
  X(signbit, 1, 1)            \
  X(logical_not, 1, 1)        \
  X(bitwise_not, 1, 1)        \
  X(add, 2, 1)                \
  X(sub, 2, 1)                \
  X(mul, 2, 1)                \
  X(div, 2, 2)                \
  X(floor_div, 2, 64)         \
  X(mod, 2, 64)               \
  X(fmod, 2, 64)              \
  X(pow, 2, 24)               \
  X(max, 2, 1)                \
  X(min, 2, 1)                \
  X(fmax, 2, 1)               \
  X(fmin, 2, 1)               \
  X(atan2, 2, 64)             \
  X(hypot, 2, 64)             \
  X(copysign, 2, 1)           \
  X(nextafter, 2, 16)         \
  X(ldexp, 2, 64)             \
  X(eq, 2, 1)                 \
  X(ne, 2, 1)                 \
  X(lt, 2, 1)                 \
  X(le, 2, 1)                 \
  X(gt, 2, 1)                 \
  X(ge, 2, 1)                 \
  X(logical_and, 2, 1)        \
  X(logical_or, 2, 1)         \
  X(logical_xor, 2, 1)        \
  X(bitwise_and, 2, 1)        \
  X(bitwise_or, 2, 1)         \
  X(bitwise_xor, 2, 1)        \
  X(left_shift, 2, 1)         \
  X(right_shift, 2, 1)        \
  X(logaddexp, 2, 16)         \
  X(squared_difference, 2, 1) \
  X(elu, 2, 8)                \
  X(leaky_relu, 2, 1)         \
  X(bce_logits, 2, 16)        \
  X(relu_grad, 2, 1)          \
  X(relu6_grad, 2, 1)         \
  X(sigmoid_grad, 2, 1)       \
  X(tanh_grad, 2, 1)          \
  X(gelu_grad, 2, 16)         \
  X(gelu_tanh_grad, 2, 10)    \
  X(silu_grad, 2, 8)          \
  X(softplus_grad, 2, 8)      \
  X(selu_grad, 2, 1)          \
  X(hard_sigmoid_grad, 2, 1)  \
  X(where, 3, 1)              \
  X(clip, 3, 1)               \
  X(muladd, 3, 1)             \
  X(elu_grad, 3, 1)           \
  X(leaky_relu_grad, 3, 1)

namespace kg {

#define KG_OPCODE_ENUM(name, arity, cost) kOp_##name,
enum Opcode { KG_OPCODES(KG_OPCODE_ENUM) kNumOpcodes };
#undef KG_OPCODE_ENUM

}  // namespace kg
