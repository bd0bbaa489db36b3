// Joining one value per thread over a warp or a block, always in the same order, so that a result is the same on every run.
#pragma once
#include "numeric.cuh"

namespace kg {

// join(a, b) over the 32 lanes of a warp; every lane gets the result. Acc is a number, or has a member shuffled(d).
template <class Acc> struct Exchange {
  KG_DEVICE static Acc with(const Acc& x, int d) { return shuffle_xor(x, d); }
};
template <class Acc, class Join> KG_DEVICE Acc join_warp(Acc x, const Join& join) {
  KG_UNROLL
  for (int d = 16; d > 0; d /= 2) {
    const Acc other = Exchange<Acc>::with(x, d);
    // The lower lane's value comes first in both, so that both compute the same.
    x = lane_index() & d ? join(other, x) : join(x, other);
  }
  return x;
}

// The same over a block of up to 1024 threads, whole warps; every thread gets the result. room: one Acc for each warp.
template <class Acc, class Join> KG_DEVICE Acc join_block(Acc x, Acc* room, const Join& join) {
  x = join_warp(x, join);
  const int warps = (int)blockDim.x / 32;
  if (warps == 1) return x;
  sync_block();  // room may still be read from an earlier call
  if (lane_index() == 0) room[warp_index()] = x;
  sync_block();
  Acc total = room[0];
  for (int w = 1; w < warps; ++w) total = join(total, room[w]);
  return total;
}

struct SumJoin {
  template <class A> KG_DEVICE A operator()(A a, A b) const { return a + b; }
};
// The larger; a NaN may be missed (what follows sees it).
struct MaxJoin {
  template <class A> KG_DEVICE A operator()(A a, A b) const { return a > b ? a : b; }
};

}  // namespace kg
