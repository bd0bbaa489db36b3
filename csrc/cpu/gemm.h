// The parameters of a GEMM call, read and checked once, and the typed routines behind it.
#pragma once
#include "kernel.h"

namespace KG_NS {

struct GemmCall {
  int64_t batch, m, n, k;
  bool trans_a, trans_b;
  int64_t a_stride, b_stride;         // elements from one batch entry to the next; 0 when shared
  int64_t a_count, b_count, c_count;  // elements that a, b and c must hold
  int64_t bias_kind, bias_count;      // the bias is input 2
  bool relu, relu_grad, accumulate;
  double alpha;

  // The last input: where activation is relu_grad, the output of that relu; else null.
  template <class T> const T* relu_output(const Call& call) const {
    return relu_grad ? input<T>(call, bias_kind ? 3 : 2, c_count) : nullptr;
  }
};

void gemm_float(const Call& call, const GemmCall& g);
void gemm_double(const Call& call, const GemmCall& g);
void gemm_half(const Call& call, const GemmCall& g);  // float16 and bfloat16
void gemm_integer(const Call& call, const GemmCall& g);

}  // namespace KG_NS
