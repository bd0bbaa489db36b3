// GEMM: C[b] = act(alpha * op(A[b]) @ op(B[b]) + bias) (+ C[b] when accumulate).
//
// inputs: a, b, then bias when bias_kind != 0, then y when activation is 2; output: c (batch, m, n). a is (m, k), or (k, m) when
// transpose_a; b is (k, n), or (n, k) when transpose_b; both row-major and contiguous per batch entry. All have one dtype.
// ints: batch, m, n, k, transpose_a, transpose_b, a_stride, b_stride (elements; 0 = shared by the batch),
//   bias_kind (0 none, 1 one per column, 2 one per row), activation (0 none, 1 relu, 2 relu_grad), accumulate (0 or 1).
// floats: alpha.
//
// relu_grad keeps the value where y (batch, m, n) > 0 and is 0 elsewhere, also where y is NaN: the gradient through the relu whose
// output y was. y may be c itself. It does not go with accumulate.
//
// Each element is summed in the order of k, then scaled, biased, activated and added to c with one rounding each, so the
// result equals separate kernels bit for bit and does not depend on blocking or threads. float16 and bfloat16 are summed
// in float32 and rounded once; integers wrap around. Threads share the tiles of C, or the batch when its entries are small.
//
// gemm_block.h holds the loops, after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
#include "gemm_run.h"

namespace KG_NS {
namespace {

KG_INTS(GemmInts, batch, m, n, k, transpose_a, transpose_b, a_stride, b_stride, bias_kind, activation, accumulate);
KG_FLOATS(GemmFloats, alpha);

GemmCall read_call(const Call& call) {
  const auto p = ints<GemmInts>(call);
  const auto f = floats<GemmFloats>(call);
  GemmCall g;
  g.batch = p.batch, g.m = p.m, g.n = p.n, g.k = p.k;
  for (int64_t size : {p.batch, p.m, p.n, p.k, p.transpose_a, p.transpose_b, p.a_stride, p.b_stride})
    if (size < 0) fail_message(call, "sizes and strides must not be negative");
  g.trans_a = p.transpose_a != 0, g.trans_b = p.transpose_b != 0;
  g.a_stride = p.a_stride, g.b_stride = p.b_stride;
  g.bias_kind = p.bias_kind;
  if (g.bias_kind < 0 || g.bias_kind > 2) fail(call, "bias_kind", g.bias_kind, 2);
  if (p.activation < 0 || p.activation > 2) fail(call, "activation", p.activation, 2);
  g.relu = p.activation == 1, g.relu_grad = p.activation == 2;
  g.accumulate = p.accumulate != 0;
  if (g.relu_grad && g.accumulate)
    fail_message(call, "activation 2 (relu_grad) does not go with accumulate: add in a kernel of its own");
  g.alpha = f.alpha;
  expect(call, 2 + (g.bias_kind != 0) + g.relu_grad, 1, 11, 1);
  const int64_t others = g.batch > 0 ? g.batch - 1 : 0;
  const int64_t some = g.batch > 0 ? 1 : 0;
  auto span = [&](int64_t stride, int64_t one) {
    int64_t total;
    if (__builtin_add_overflow(checked_mul(call, others, stride), one * some, &total))
      fail(call, "size product", stride, others);
    return total;
  };
  g.a_count = span(g.a_stride, checked_mul(call, g.m, g.k));
  g.b_count = span(g.b_stride, checked_mul(call, g.k, g.n));
  g.c_count = checked_mul(call, g.batch, checked_mul(call, g.m, g.n));
  g.bias_count = g.bias_kind == 1 ? g.n : g.bias_kind == 2 ? g.m : 0;
  return g;
}

}  // namespace

void gemm_float(const Call& call, const GemmCall& g) {
  const float* a = input<float>(call, 0, g.a_count);
  const float* b = input<float>(call, 1, g.b_count);
  const float* bias = g.bias_kind ? input<float>(call, 2, g.bias_count) : nullptr;
  const float* relu_output = g.relu_output<float>(call);
  float* c = output<float>(call, 0, g.c_count);
  if (g.c_count > 0) gemm_batches<float, float>(g, a, b, c, bias, relu_output);
}

void gemm(const Call& call) {
  const GemmCall g = read_call(call);
  switch (call.out[0].dtype) {
    case kF32: return gemm_float(call, g);
    case kF64: return gemm_double(call, g);
    case kF16:
    case kBF16: return gemm_half(call, g);
    default: return gemm_integer(call, g);
  }
}

}  // namespace KG_NS

KG_REGISTER(gemm, GemmInts::names, GemmFloats::names);
KG_IN_PLACE(gemm, ints<GemmInts>(call).activation == 2 && in == call.n_in - 1);
