// The arguments of one "elementwise" call, read and checked once: see elementwise.cpp for their order.
#pragma once
#include "elementwise.h"

namespace KG_NS {

enum ComputeType { kComputeFloat = 0, kComputeDouble, kComputeInt64, kComputeUint64, kNumComputeTypes };

struct Instruction {
  int opcode, dst;
  int arg[3];
};

struct ElementwisePlan {
  ComputeType compute;
  int ndim, n_in, n_const, n_out, n_instr, n_registers;
  int64_t size;  // product of dims
  int64_t dims[kMaxDims];
  int64_t strides[kMaxRegisters][kMaxDims];
  int out_register[kMaxOutputs];
  Instruction instruction[kMaxInstructions];
  const int64_t* int_constants;
  const double* constants;
  int cost;
};

// Throws unless every size, register, opcode and dtype is usable and no access can leave a buffer.
void read_elementwise_plan(const Call& call, ElementwisePlan& plan);

}  // namespace KG_NS
