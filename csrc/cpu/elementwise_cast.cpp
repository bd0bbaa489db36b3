// cast: y = x in another dtype, element by element, between all pairs of dtypes.
//
//   inputs x; outputs y; ints: count. As NumPy's astype for values in range; a float outside an integer's range
//   saturates and NaN becomes 0, so the result never depends on the machine. Results larger than the caches go
//   past them (stream.h). Threads take fixed runs of elements.
#include "elementwise_memory.h"
#include "parallel.h"
#include "stream.h"

namespace KG_NS {
namespace {

constexpr int64_t kTile = 1024;  // elements that are converted in the first-level cache before they go past it

using CastSpan = void (*)(const void* x, void* y, int64_t n);

CastSpan cast_span(DType from, DType to) {
  CastSpan found = nullptr;
  for_dtype(from, [&](auto* x) {
    using From = typename std::remove_pointer<decltype(x)>::type;
    for_dtype(to, [&](auto* y) {
      using To = typename std::remove_pointer<decltype(y)>::type;
      found = [](const void* a, void* b, int64_t n) { convert_span(static_cast<const From*>(a), 1, static_cast<To*>(b), n); };
    });
  });
  return found;
}

KG_INTS(CastInts, n);

}  // namespace

void cast(const Call& call) {
  expect(call, 1, 1, 1, 0);
  const int64_t n = ints<CastInts>(call).n;
  const Buffer &from = call.in[0], &to = call.out[0];
  if (n < 0 || dtype_size(from.dtype) == 0 || from.bytes / dtype_size(from.dtype) < n)
    fail(call, "input elements", from.bytes, n);
  if (dtype_size(to.dtype) == 0 || to.bytes / dtype_size(to.dtype) < n) fail(call, "output elements", to.bytes, n);
  const CastSpan span = cast_span(from.dtype, to.dtype);
  const int64_t from_size = dtype_size(from.dtype), to_size = dtype_size(to.dtype);
  const auto* x = static_cast<const unsigned char*>(from.data);
  auto* y = static_cast<unsigned char*>(to.data);
  const bool past_cache = n >= kStreamBytes / to_size;
  parallel_range(n, 16384, [=](int64_t begin, int64_t end) {
    if (!past_cache) return span(x + begin * from_size, y + begin * to_size, end - begin);
    alignas(64) unsigned char tile[kTile * 8];
    for (int64_t i = begin; i < end; i += kTile) {
      const int64_t count = end - i < kTile ? end - i : kTile;
      span(x + i * from_size, tile, count);
      stream_bytes(tile, y + i * to_size, count * to_size);
    }
    end_stream();
  });
}

}  // namespace KG_NS

KG_REGISTER(cast, CastInts::names);
