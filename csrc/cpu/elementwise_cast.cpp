// cast: y = x in another dtype, element by element, between all pairs of dtypes.
//
//   inputs x; outputs y; ints: count. As NumPy's astype for values in range; a float outside an integer's range
//   saturates and NaN becomes 0, so the result never depends on the machine. Threads take fixed runs of elements.
#include "elementwise_memory.h"
#include "parallel.h"

namespace KG_NS {

void cast(const Call& call) {
  expect(call, 1, 1, 1, 0);
  const int64_t n = call.i[0];
  const Buffer &from = call.in[0], &to = call.out[0];
  if (n < 0 || dtype_size(from.dtype) == 0 || from.bytes / dtype_size(from.dtype) < n)
    fail(call, "input elements", from.bytes, n);
  if (dtype_size(to.dtype) == 0 || to.bytes / dtype_size(to.dtype) < n) fail(call, "output elements", to.bytes, n);
  for_dtype(from.dtype, [&](auto* x) {
    using From = typename std::remove_pointer<decltype(x)>::type;
    for_dtype(to.dtype, [&](auto* y) {
      using To = typename std::remove_pointer<decltype(y)>::type;
      parallel_range(n, 16384, [&](int64_t begin, int64_t end) {
        convert_span(static_cast<const From*>(from.data) + begin, 1, static_cast<To*>(to.data) + begin, end - begin);
      });
    });
  });
}

}  // namespace KG_NS

KG_REGISTER(cast);
