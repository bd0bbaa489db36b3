// Reads and checks the arguments of "elementwise".
#include "elementwise_plan.h"

namespace KG_NS {
namespace {

int64_t ranged(const Call& call, const char* what, int64_t value, int64_t low, int64_t high) {
  if (value < low) fail(call, what, value, low);
  if (value > high) fail(call, what, value, high);
  return value;
}

// Floats are computed from anything that fits; integers only from integers of their own kind.
bool can_load(ComputeType compute, DType t) {
  switch (compute) {
    case kComputeFloat: return t != kF64;
    case kComputeDouble: return true;
    case kComputeInt64: return t != kU64 && t < kF16;
    default: return t == kU64 || t == kBool;
  }
}
bool can_store(ComputeType compute, DType t) {
  switch (compute) {
    case kComputeFloat: return t == kBool || t == kF32 || t == kF16 || t == kBF16;
    case kComputeDouble: return t == kBool || t == kF64;
    default: return can_load(compute, t);
  }
}

bool has_op(ComputeType compute, int opcode) {
  switch (compute) {
    case kComputeFloat: return float_ops().op[opcode] != nullptr;
    case kComputeDouble: return double_ops().op[opcode] != nullptr;
    case kComputeInt64: return int64_ops().op[opcode] != nullptr;
    default: return uint64_ops().op[opcode] != nullptr;
  }
}

void check_input(const Call& call, const ElementwisePlan& plan, int k) {
  const Buffer& b = call.in[k];
  if (!can_load(plan.compute, b.dtype)) fail_dtype(call, "input", k, b.dtype, "a dtype of the compute type");
  int64_t last = 0;
  for (int d = 0; d < plan.ndim; ++d) {
    int64_t reach;
    const int64_t stride = plan.strides[k][d];
    if (stride < 0 || __builtin_mul_overflow(plan.dims[d] - 1, stride, &reach) || __builtin_add_overflow(last, reach, &last))
      fail(call, "input stride", stride, 0);
  }
  const int64_t have = b.bytes / dtype_size(b.dtype);
  if (last >= have) fail(call, "input elements", have, last + 1);
}

void check_instruction(const Call& call, const ElementwisePlan& plan, const Instruction& x, uint64_t& written) {
  if (!has_op(plan.compute, x.opcode)) fail_message(call, "an instruction is not defined for this compute type");
  ranged(call, "destination register", x.dst, plan.n_in + plan.n_const, kMaxRegisters - 1);
  for (int k = 0; k < kOpArity[x.opcode]; ++k)
    if (!(written >> x.arg[k] & 1)) fail(call, "register read before it is written", x.arg[k], x.dst);
  written |= uint64_t(1) << x.dst;
}

}  // namespace

void read_elementwise_plan(const Call& call, ElementwisePlan& plan) {
  if (call.n_i < 6) fail(call, "number of integer parameters", call.n_i, 6);
  const int64_t* i = call.i;
  plan.compute = static_cast<ComputeType>(ranged(call, "compute type", i[0], 0, kNumComputeTypes - 1));
  plan.ndim = int(ranged(call, "number of dimensions", i[1], 0, kMaxDims));
  plan.n_in = int(ranged(call, "inputs", i[2], 0, kMaxRegisters));
  plan.n_const = int(ranged(call, "constants", i[3], 0, kMaxRegisters - plan.n_in));
  plan.n_out = int(ranged(call, "outputs", i[4], 1, kMaxOutputs));
  plan.n_instr = int(ranged(call, "instructions", i[5], 0, kMaxInstructions));
  const bool ints = plan.compute >= kComputeInt64;
  const int64_t need =
      6 + int64_t(plan.ndim) * (1 + plan.n_in) + plan.n_out + 5 * int64_t(plan.n_instr) + (ints ? plan.n_const : 0);
  if (call.n_i != need) fail(call, "number of integer parameters", call.n_i, need);
  expect(call, plan.n_in, plan.n_out, 6, ints ? 0 : plan.n_const);
  i += 6;

  plan.size = 1;
  for (int d = 0; d < plan.ndim; ++d) plan.size = checked_mul(call, plan.size, plan.dims[d] = *i++);
  for (int k = 0; k < plan.n_in; ++k)
    for (int d = 0; d < plan.ndim; ++d) plan.strides[k][d] = *i++;
  if (plan.ndim == 0) {
    plan.ndim = 1;
    plan.dims[0] = 1;
    for (int k = 0; k < plan.n_in; ++k) plan.strides[k][0] = 0;
  }
  for (int k = 0; k < plan.n_out; ++k) plan.out_register[k] = int(ranged(call, "output register", *i++, 0, kMaxRegisters - 1));

  const int fixed = plan.n_in + plan.n_const;
  uint64_t written = fixed == 64 ? ~uint64_t(0) : (uint64_t(1) << fixed) - 1;
  plan.n_registers = fixed;
  plan.cost = 0;
  for (int k = 0; k < plan.n_instr; ++k, i += 5) {
    Instruction& x = plan.instruction[k];
    x.opcode = int(ranged(call, "opcode", i[0], 0, kNumOpcodes - 1));
    x.dst = int(ranged(call, "register", i[1], 0, kMaxRegisters - 1));
    for (int a = 0; a < 3; ++a) x.arg[a] = int(ranged(call, "register", i[2 + a], 0, kMaxRegisters - 1));
    for (int a = kOpArity[x.opcode]; a < 3; ++a) x.arg[a] = x.arg[0];
    check_instruction(call, plan, x, written);
    if (x.dst >= plan.n_registers) plan.n_registers = x.dst + 1;
    plan.cost += kOpCost[x.opcode];
  }
  plan.int_constants = i;
  plan.constants = call.f;

  for (int k = 0; k < plan.n_out; ++k) {
    const Buffer& b = call.out[k];
    if (!can_store(plan.compute, b.dtype)) fail_dtype(call, "output", k, b.dtype, "a dtype of the compute type");
    if (!(written >> plan.out_register[k] & 1)) fail(call, "output register never written", plan.out_register[k], fixed);
    const int64_t have = b.bytes / dtype_size(b.dtype);
    if (have < plan.size) fail(call, "output elements", have, plan.size);
  }
  if (plan.size == 0) return;
  for (int k = 0; k < plan.n_in; ++k) check_input(call, plan, k);
}

}  // namespace KG_NS
