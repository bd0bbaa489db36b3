// The loop of a wgmma tile (gemm_wgmma.cuh) whose panels a warpgroup of their own fetches, box by box: plain matrices of 16-bit types.
//
// The last warpgroup has one thread at work, which goes round the ring ahead of the others: it waits until a slot is empty, says how many
// bytes will come, and starts the copies. The others wait until a slot is full, start its products, and when those of the step before
// have ended they give its slot back, a warp at a time. No barrier of the whole block after the first.
// A deep panel is one box, 64 of k by kM or kN; a wide one is a box for each 64 of m or n, by 64 of k.
// Shared memory: that of gemm_wgmma.cuh and 16 * stages bytes of barriers.
#pragma once
#include "gemm_wgmma.cuh"
#include "tma.cuh"

namespace kg {

template <class Tile, int stages, bool deep_a, bool deep_b> struct Ring {
  typedef typename Tile::T T;
  static constexpr int kSizeA = Tile::PanelA::kBytes / (int)sizeof(T), kSizeB = Tile::PanelB::kBytes / (int)sizeof(T);
  static constexpr int kReaders = Tile::kThreads / 32;
  T *panels_a, *panels_b;
  uint64_t *full, *empty;
  int slot = 0;
  uint32_t phase = 0;

  KG_DEVICE Ring(unsigned char* shared) {
    shared += -shared_address(shared) & 1023u;
    panels_a = reinterpret_cast<T*>(shared);
    panels_b = panels_a + stages * kSizeA;
    full = reinterpret_cast<uint64_t*>(panels_b + stages * kSizeB);
    empty = full + stages;
    if (thread_index() == 0) {
      for (int s = 0; s < stages; ++s) {
        barrier_init(full + s, 1);
        barrier_init(empty + s, kReaders);
      }
      fence_async();
    }
    sync_block();
  }
  KG_DEVICE void advance() {
    slot = slot + 1 == stages ? 0 : slot + 1;
    if (slot == 0) phase ^= 1;
  }

  // One panel, from (i, k) of batch entry z on.
  template <bool deep, int outer> KG_DEVICE void fetch(T* panel, const TensorMap& map, int i, int k, int z) {
    if constexpr (deep) {
      copy_box(panel, map, k, i, z, full + slot);
    } else {
      KG_UNROLL
      for (int at = 0; at < outer; at += 64) copy_box(panel + at * 64, map, i + at, k, z, full + slot);
    }
  }
  // By one thread.
  KG_DEVICE void fill(const TensorMap& a, const TensorMap& b, int i, int j, int k, int z_a, int z_b, int steps) {
    KG_LOOP
    for (int s = 0; s < steps; ++s) {
      barrier_wait(empty + slot, phase ^ 1);
      barrier_expect(full + slot, Tile::PanelA::kBytes + Tile::PanelB::kBytes);
      fetch<deep_a, Tile::kM>(panels_a + slot * kSizeA, a, i, k, z_a);
      fetch<deep_b, Tile::kN>(panels_b + slot * kSizeB, b, j, k, z_b);
      k += Tile::kK;
      advance();
    }
  }
  // By the warpgroups that multiply.
  KG_DEVICE void drain(Tile& tile, int steps) {
    int before = 0;
    KG_LOOP
    for (int s = 0; s < steps; ++s) {
      barrier_wait(full + slot, phase);
      tile.start(panels_a + slot * kSizeA, panels_b + slot * kSizeB);
      wgmma_wait<1>();
      barrier_arrive(empty + before, s > 0);
      before = slot;
      advance();
    }
    wgmma_wait<0>();
    tile.keep();
  }
};

}  // namespace kg
