// GEMM of float16 and bfloat16: converted to float32 while packing, summed in float32, rounded once when stored.
#include "gemm_run.h"

namespace KG_NS {
namespace {

template <class T> void run(const Call& call, const GemmCall& g) {
  const T* a = input<T>(call, 0, g.a_count);
  const T* b = input<T>(call, 1, g.b_count);
  const T* bias = g.bias_kind ? input<T>(call, 2, g.bias_count) : nullptr;
  const T* relu_output = g.relu_output<T>(call);
  T* c = output<T>(call, 0, g.c_count);
  if (g.c_count == 0) return;
  const Scratch wide(g.bias_count * int64_t(sizeof(float)));
  for (int64_t j = 0; j < g.bias_count; ++j) wide.as<float>()[j] = to_float(bias[j]);
  gemm_batches<T, float>(g, a, b, c, wide.as<float>(), relu_output);
}

}  // namespace

void gemm_half(const Call& call, const GemmCall& g) {
  if (call.out[0].dtype == kF16)
    run<f16>(call, g);
  else
    run<bf16>(call, g);
}

}  // namespace KG_NS
