// GEMM of integers, in the dtype of the output, wrapping around; for bool, sums are "or" and products "and".
// Plain loops over unsigned words: the inner one runs along n.
#include <type_traits>

#include "gemm_run.h"

namespace KG_NS {
namespace {

// T: the dtype. Elements are read as Word, which for bool is a byte that may hold anything.
template <class T> void run(const Call& call, const GemmCall& g) {
  constexpr bool kLogical = std::is_same<T, bool>::value;
  using Word = std::conditional_t<kLogical, uint8_t, T>;
  // At least 32 bits, so that small types are not promoted to a signed int that could overflow.
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  const Word* a = reinterpret_cast<const Word*>(input<T>(call, 0, g.a_count));
  const Word* b = reinterpret_cast<const Word*>(input<T>(call, 1, g.b_count));
  const Word* bias = g.bias_kind ? reinterpret_cast<const Word*>(input<T>(call, 2, g.bias_count)) : nullptr;
  const Word* relu_output = reinterpret_cast<const Word*>(g.relu_output<T>(call));
  Word* c = reinterpret_cast<Word*>(output<T>(call, 0, g.c_count));
  if (g.alpha != 1) fail_message(call, "alpha must be 1 for integers");
  if (kLogical && (bias || g.relu || relu_output || g.accumulate))
    fail_message(call, "bias, activation and accumulate are not defined for bool");
  if (g.c_count == 0) return;
  constexpr int64_t kColumns = 256;
  const int64_t strips = ceil_div(g.n, kColumns);
  const int64_t work = g.k * min_of(g.n, kColumns) + 1;
  const int64_t rows = work < 65536 ? 65536 / work : 1;
  const int64_t groups = ceil_div(g.m, rows);
  parallel_for(g.batch * groups * strips, [&](int64_t chunk) {
    const int64_t entry = chunk / (groups * strips), i0 = chunk / strips % groups * rows, j0 = chunk % strips * kColumns;
    const Word* pa = a + entry * g.a_stride;
    const Word* pb = b + entry * g.b_stride;
    const int64_t columns = min_of(kColumns, g.n - j0);
    for (int64_t i = i0; i < min_of(g.m, i0 + rows); ++i) {
      U sum[kColumns] = {};
      for (int64_t p = 0; p < g.k; ++p) {
        const Word x = g.trans_a ? pa[p * g.m + i] : pa[i * g.k + p];
        const Word* row = g.trans_b ? pb + j0 * g.k + p : pb + p * g.n + j0;
        const int64_t step = g.trans_b ? g.k : 1;
        for (int64_t j = 0; j < columns; ++j) {
          if constexpr (kLogical)
            sum[j] |= x != 0 && row[j * step] != 0;
          else
            sum[j] += static_cast<U>(x) * static_cast<U>(row[j * step]);
        }
      }
      Word* to = c + (entry * g.m + i) * g.n + j0;
      for (int64_t j = 0; j < columns; ++j) {
        Word y = static_cast<Word>(sum[j]);
        if (g.bias_kind == 1) y = static_cast<Word>(static_cast<U>(y) + static_cast<U>(bias[j0 + j]));
        if (g.bias_kind == 2) y = static_cast<Word>(static_cast<U>(y) + static_cast<U>(bias[i]));
        if (g.relu && y < Word{}) y = Word{};
        if (relu_output && !(relu_output[to + j - c] > Word{})) y = Word{};
        to[j] = g.accumulate ? static_cast<Word>(static_cast<U>(to[j]) + static_cast<U>(y)) : y;
      }
    }
  });
}

}  // namespace

void gemm_integer(const Call& call, const GemmCall& g) {
  switch (call.out[0].dtype) {
    case kBool: return run<bool>(call, g);
    case kI8: return run<int8_t>(call, g);
    case kU8: return run<uint8_t>(call, g);
    case kI16: return run<int16_t>(call, g);
    case kU16: return run<uint16_t>(call, g);
    case kI32: return run<int32_t>(call, g);
    case kU32: return run<uint32_t>(call, g);
    case kI64: return run<int64_t>(call, g);
    case kU64: return run<uint64_t>(call, g);
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "a float or integer dtype");
  }
}

}  // namespace KG_NS
