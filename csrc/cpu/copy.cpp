// Copies, constant fills, and the counters that a recorded step advances.
//
// copy          in (n), out (n): the same bytes.                       Any dtype, both the same.
// fill          out (n).  floats[0]: value.  ints[0]: 1 if ints[1] is the value instead (exact for 64-bit integers).
// advance       out (1) of an integer dtype: out[0] += ints[0].        The batch cursor, the iteration counter.
// advance_seed  out0 (2) uint32: the state [seed, counter] of a SeedGenerator.  Optional out1 (2): the state before.
//               ints[0] = 0: counter += 1.  1: both words x become (x + 1) * 5387 % 933199, Keras's unordered draw.
// advance and advance_seed may be given the same array as input 0, so that a recorder sees that it is read.
#include <cmath>

#include "movement.h"
#include "numeric.h"

namespace KG_NS {

void copy_rows(const char* in, int64_t in_pitch, char* out, int64_t out_pitch, int64_t rows, int64_t bytes) {
  if (rows <= 0 || bytes <= 0) return;
  if (bytes >= 2 * kCopyGrain) {  // few long rows: split each row as well
    const int64_t parts = (bytes + kCopyGrain - 1) / kCopyGrain;
    parallel_for(rows * parts, [&](int64_t c) {
      const int64_t row = c / parts, begin = c % parts * kCopyGrain;
      std::memcpy(out + row * out_pitch + begin, in + row * in_pitch + begin,
                  static_cast<size_t>(std::min(kCopyGrain, bytes - begin)));
    });
    return;
  }
  parallel_range(rows, std::max<int64_t>(1, kCopyGrain / bytes), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) std::memcpy(out + r * out_pitch, in + r * in_pitch, static_cast<size_t>(bytes));
  });
}

void copy(const Call& call) {
  expect(call, 1, 1, 0, 0);
  const int64_t item = item_size(call), count = call.out[0].bytes / item;
  if (call.in[0].bytes != call.out[0].bytes) fail(call, "input bytes", call.in[0].bytes, call.out[0].bytes);
  const char* in = raw_input(call, 0, count);
  char* out = raw_output(call, 0, count);
  if (in != out) copy_rows(in, 0, out, 0, 1, count * item);
}

KG_INTS(FillInts, exact, integer);
KG_FLOATS(FillFloats, number);

void fill(const Call& call) {
  expect(call, 0, 1, 1, 1);
  const auto p = ints<FillInts>(call);
  const double number = floats<FillFloats>(call).number;
  const int64_t item = item_size(call), count = call.out[0].bytes / item;
  char* out = raw_output(call, 0, count);
  uint64_t bits = 0;
  by_dtype(call.out[0].dtype, [&](auto tag) {
    using T = decltype(tag);
    const T value = p.exact ? from_integer<T>(p.integer) : from_double<T>(number);
    std::memcpy(&bits, &value, sizeof(T));
  });
  by_item_size(item, [&](auto word) {
    using W = decltype(word);
    W* o = reinterpret_cast<W*>(out);
    parallel_range(count, kCopyGrain / item, [&](int64_t begin, int64_t end) {
      if (bits == 0) {
        std::memset(o + begin, 0, static_cast<size_t>((end - begin) * item));
      } else {
        std::fill(o + begin, o + end, static_cast<W>(bits));
      }
    });
  });
}

KG_INTS(AdvanceInts, step);

void advance(const Call& call) {
  if (call.n_in > 1 || call.n_out != 1) fail(call, "number of outputs", call.n_out, 1);
  const int64_t step = ints<AdvanceInts>(call).step;
  if (call.out[0].bytes < dtype_size(call.out[0].dtype)) fail(call, "output elements", 0, 1);
  switch (call.out[0].dtype) {  // unsigned arithmetic: wraps, never undefined
    case kI64:
    case kU64: *static_cast<uint64_t*>(call.out[0].data) += static_cast<uint64_t>(step); return;
    case kI32:
    case kU32: *static_cast<uint32_t*>(call.out[0].data) += static_cast<uint32_t>(step); return;
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "int32, uint32, int64 or uint64");
  }
}

KG_INTS(AdvanceSeedInts, unordered);

void advance_seed(const Call& call) {
  if (call.n_in > 1) fail(call, "number of inputs", call.n_in, 1);
  if (call.n_out < 1 || call.n_out > 2) fail(call, "number of outputs", call.n_out, 1);
  const bool unordered = ints<AdvanceSeedInts>(call).unordered != 0;
  uint32_t* state = output<uint32_t>(call, 0, 2);
  if (call.n_out == 2) std::memcpy(output<uint32_t>(call, 1, 2), state, 8);
  if (!unordered) {
    state[1] += 1;
  } else {
    for (int k = 0; k < 2; ++k) state[k] = (state[k] + 1) * 5387u % 933199u;
  }
}

}  // namespace KG_NS

KG_REGISTER(copy);
KG_REGISTER(fill, FillInts::names, FillFloats::names);
KG_REGISTER(advance, AdvanceInts::names);
KG_REGISTER(advance_seed, AdvanceSeedInts::names);
KG_IN_PLACE(copy, out == 0 && in == 0);
KG_IN_PLACE(advance, out == 0 && in == 0);
KG_IN_PLACE(advance_seed, out == 0 && in == 0);
