// Windows that slide over 1 to 3 spatial dims of an array (batch, d, h, w, channels): what convolution and pooling share.
//
// Output position o of a dim sees, at tap t of its window, input position o * stride + t * dilation - before; what lies outside
// [0, size) is padding. One- and two-dimensional windows have the first dims 1 (stride and dilation 1, before 0).
#pragma once
#include <stdint.h>

namespace kg {

struct Window {
  int64_t size[3];    // of the input
  int64_t count[3];   // of the output
  int64_t kernel[3];  // taps
  int64_t stride[3];
  int64_t dilation[3];
  int64_t before[3];  // padding in front; the padding behind follows from count
};

// How the integer parameters of a kernel spell a Window: these fields in this order.
constexpr int kWindowInts = 18;

}  // namespace kg
