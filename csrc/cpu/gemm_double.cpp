// GEMM of float64; see gemm.cpp.
#include "gemm_run.h"

namespace KG_NS {

void gemm_double(const Call& call, const GemmCall& g) {
  const double* a = input<double>(call, 0, g.a_count);
  const double* b = input<double>(call, 1, g.b_count);
  const double* bias = g.bias_kind ? input<double>(call, 2, g.bias_count) : nullptr;
  const double* relu_output = g.relu_output<double>(call);
  double* c = output<double>(call, 0, g.c_count);
  if (g.c_count > 0) gemm_batches<double, double>(g, a, b, c, bias, relu_output);
}

}  // namespace KG_NS
