// Rectangular blocks with steps: reading one, writing one, reversing axes.
//
// slice         in: x of shape dims, out: y of shape out_dims, y[i] = x[starts + i * steps].
// slice_assign  in: v of shape block, out: x of shape dims, x[starts + i * steps] = v[i]; the rest of x keeps its values.
// ints of both: ndim, dims..., starts..., steps..., block dims....  Steps may be negative, not 0. Any dtype, the same on both sides.
#include "movement.h"

namespace KG_NS {
namespace {

// The block as strides into x, and the item of x where it starts. Checks that it lies inside x.
struct Block {
  Strided view;  // `in` holds the strides of x, `out` those of the contiguous block
  int64_t first = 0, items_x = 0, items_block = 0;
};

KG_INTS_AND_LISTS(SliceInts, "dims..., starts..., steps..., sizes...", ndim);

Block read_block(const Call& call) {
  expect(call, 1, 1, 1, 0);
  const int ndim = read_ndim(call, 0, 4);
  const int64_t *dims = call.i + 1, *starts = dims + ndim, *steps = starts + ndim, *block = steps + ndim;
  Block b;
  b.items_x = product(call, dims, ndim);
  b.items_block = product(call, block, ndim);
  if (b.items_block == 0) return b;
  int64_t stride[kMaxDims], step = 1, block_stride = b.items_block;
  for (int d = ndim - 1; d >= 0; --d) {
    stride[d] = step;
    step *= dims[d];
  }
  for (int d = 0; d < ndim; ++d) {
    int64_t reach, last;
    if (steps[d] == 0) fail_message(call, "steps must not be 0");
    if (__builtin_mul_overflow(steps[d], block[d] - 1, &reach) || __builtin_add_overflow(starts[d], reach, &last))
      fail(call, "step", steps[d], 1);
    if (starts[d] < 0 || starts[d] >= dims[d]) fail(call, "start of a dimension", starts[d], dims[d] - 1);
    if (last < 0 || last >= dims[d]) fail(call, "end of a dimension", last, dims[d] - 1);
    b.first += starts[d] * stride[d];
    block_stride /= block[d];
    b.view.add(block[d], block[d] == 1 ? stride[d] : steps[d] * stride[d], block_stride);
  }
  return b;
}

}  // namespace

void slice(const Call& call) {
  const Block b = read_block(call);
  const char* in = raw_input(call, 0, b.items_x);
  char* out = raw_output(call, 0, b.items_block);
  if (b.items_block > 0) strided_copy(in + b.first * item_size(call), out, item_size(call), b.view);
}

void slice_assign(const Call& call) {
  Block b = read_block(call);
  const char* in = raw_input(call, 0, b.items_block);
  char* out = raw_output(call, 0, b.items_x);
  if (b.items_block == 0) return;
  std::swap_ranges(b.view.in, b.view.in + b.view.ndim, b.view.out);
  strided_copy(in, out + b.first * item_size(call), item_size(call), b.view);
}

}  // namespace KG_NS

KG_REGISTER(slice, SliceInts::names);
KG_REGISTER(slice_assign, SliceInts::names);
