// The parameters of a convolution call, read and checked once; conv, conv_input_grad and conv_filter_grad share them.
//
// x is (batch, size..., channels), w is (kernel..., channels / groups, filters), y is (batch, count..., filters), all row-major with
// three spatial dims (one- and two-dimensional ones are 1 in front; see common/window.h). Group g sees its own channels / groups
// channels of x and makes its own filters / groups channels of y.
// ints: batch, channels, filters, groups, bias (0 or 1), activation (0 none, 1 relu, and of conv_input_grad
// 2 relu_grad), then the window's 18.
#pragma once
#include "window.h"

namespace KG_NS {

struct ConvCall {
  Window window;
  int64_t batch, channels, filters, groups;
  bool bias, relu, relu_grad;
  int64_t depth, width;               // channels and filters of a group
  int64_t x_count, w_count, y_count;  // elements
};

// most_activation: the largest number that the kernel knows. With relu_grad the call has one more input, the last one.
KG_INTS_AND_LISTS(ConvInts, "window...", batch, channels, filters, groups, bias, activation);

ConvCall read_conv(const Call& call, int64_t most_activation, int outputs = 1);

}  // namespace KG_NS
