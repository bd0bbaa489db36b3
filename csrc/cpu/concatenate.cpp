// Joining arrays along one axis and cutting one apart. All dtypes are the same.
//
// concatenate  inputs k = 0..n-1: (outer, inner_k), out: (outer, sum of inner_k).  ints: outer, inner_0, ..., inner_{n-1}
// split        in: (outer, sum of inner_k), outputs k: (outer, inner_k).           ints: outer, inner_0, ..., inner_{n-1}
// outer is the product of the dimensions before the axis; inner_k is the rest, the axis included.
#include "movement.h"

namespace KG_NS {
namespace {

KG_INTS_AND_LISTS(PartsInts, "widths...", outer);

int64_t read_widths(const Call& call, int parts) {
  if (call.n_i < 1 + parts) fail(call, "number of integer parameters", call.n_i, 1 + parts);
  const int64_t outer = ints<PartsInts>(call).outer, *widths = call.i + 1;
  int64_t width = 0;
  for (int k = 0; k < parts; ++k) {
    checked_mul(call, outer, widths[k]);
    if (__builtin_add_overflow(width, widths[k], &width)) fail(call, "sum of widths", width, 0);
  }
  return width;
}

}  // namespace

void concatenate(const Call& call) {
  expect(call, call.n_in, 1, 1, 0);
  const int64_t width = read_widths(call, call.n_in), outer = ints<PartsInts>(call).outer, *widths = call.i + 1,
                item = item_size(call);
  char* out = raw_output(call, 0, checked_mul(call, outer, width));
  for (int k = 0; k < call.n_in; ++k) raw_input(call, k, outer * widths[k]);
  for (int k = 0; k < call.n_in; ++k) {
    const int64_t bytes = widths[k] * item;
    copy_rows(static_cast<const char*>(call.in[k].data), bytes, out, width * item, outer, bytes);
    out += bytes;
  }
}

void split(const Call& call) {
  expect(call, 1, call.n_out, 1, 0);
  const int64_t width = read_widths(call, call.n_out), outer = ints<PartsInts>(call).outer, *widths = call.i + 1,
                item = item_size(call);
  const char* in = raw_input(call, 0, checked_mul(call, outer, width));
  for (int k = 0; k < call.n_out; ++k) raw_output(call, k, outer * widths[k]);
  for (int k = 0; k < call.n_out; ++k) {
    const int64_t bytes = widths[k] * item;
    copy_rows(in, width * item, static_cast<char*>(call.out[k].data), bytes, outer, bytes);
    in += bytes;
  }
}

}  // namespace KG_NS

KG_REGISTER(concatenate, PartsInts::names);
KG_REGISTER(split, PartsInts::names);
