// The distributions drawn by rejection: one element at a time, each with a stream of Philox blocks of its own.
#pragma once
#include "../common/philox.h"
#include "kernel.h"

namespace KG_NS {

// kind 0 gamma, 1 Poisson, 2 binomial, 3 beta; the arguments of `random` in random.cpp, checked but for the parameter arrays.
void draw_by_rejection(const Call& call, int kind, int64_t count, PhiloxKey key, u32 step);

}  // namespace KG_NS
