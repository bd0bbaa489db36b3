// The inner loop of a tile on ordinary cores, for float (exact products), double, and the half types widened to float.
//
// A thread makes own_m x own_n elements of the tile, as pieces of 4 x 4; the 32 threads of a warp stand 4 down and 8 across, warps wm x
// wn. Panels lie in shared memory with k as rows whatever the operand's way, as [kK][kM + 4] and [kK][kN + 4] of the type that is summed
// in, so that a thread reads 4 neighbouring values at once. Two pairs of panels: the next step's elements wait in registers while
// this one's are multiplied; one barrier a step. Every element is summed in the order of k.
// Shared memory: 2 * (kM + kN + 8) * kK sums.
#pragma once
#include "gemm_panel.cuh"

namespace kg {

template <class Elem, int m, int n, int k, int wm, int wn, int vec_a, int vec_b, bool deep_a, bool deep_b> struct SimtTile {
  typedef Elem T;
  typedef compute<Elem> Sum;
  static constexpr int kM = m, kN = n, kK = k, kThreads = 32 * wm * wn, kVector = 4;
  static constexpr int kDown = kM / wm / 16, kAcross = kN / wn / 32;  // pieces of 4 x 4
  static_assert(kM % (16 * wm) == 0 && kN % (32 * wn) == 0, "warps do not divide the tile");
  typedef Share<deep_a ? kM : kK, deep_a ? kK : kM, vec_a, kThreads> ShareA;
  typedef Share<deep_b ? kN : kK, deep_b ? kK : kN, vec_b, kThreads> ShareB;
  static constexpr int kPitchA = kM + 4, kPitchB = kN + 4;
  typedef Pack<Sum, 4> Four;

  Sum sum[kDown][kAcross][4][4];
  int row, column;

  KG_DEVICE SimtTile() {
    const int warp = warp_index(), lane = lane_index();
    row = warp / wn * (kM / wm) + lane / 8 * 4;
    column = warp % wn * (kN / wn) + lane % 8 * 4;
    KG_UNROLL
    for (int i = 0; i < kDown; ++i) {
      KG_UNROLL
      for (int j = 0; j < kAcross; ++j) {
        KG_UNROLL
        for (int e = 0; e < 16; ++e) sum[i][j][e / 4][e % 4] = 0;
      }
    }
  }

  // One thread's part of a panel, between memory and shared memory.
  template <class S, int vec, bool deep, int pitch> struct Carry {
    Pack<T, vec> held[S::kPieces];

    template <class Source> KG_DEVICE void take(const Source& source) {
      KG_UNROLL
      for (int q = 0; q < S::kPieces; ++q) {
        const T* at;
        held[q] = Pack<T, vec>{};
        if (S::has(q) && source.get(q, at)) held[q] = *reinterpret_cast<const Pack<T, vec>*>(at);
      }
    }
    KG_DEVICE void put(Sum* panel) const {
      KG_UNROLL
      for (int q = 0; q < S::kPieces; ++q) {
        if (!S::has(q)) continue;
        const int r = S::row() + q * S::kRowStep, c = S::column();
        if constexpr (!deep && vec == 4) {
          Four four;
          KG_UNROLL
          for (int e = 0; e < 4; ++e) four.at[e] = widen(held[q].at[e]);
          *reinterpret_cast<Four*>(panel + r * pitch + c) = four;
        } else {
          KG_UNROLL
          for (int e = 0; e < vec; ++e) panel[deep ? (c + e) * pitch + r : r * pitch + c + e] = widen(held[q].at[e]);
        }
      }
    }
  };

  KG_DEVICE void step(const Sum* a, const Sum* b) {
    KG_UNROLL
    for (int kk = 0; kk < kK; ++kk) {
      Four left[kDown], right[kAcross];
      KG_UNROLL
      for (int i = 0; i < kDown; ++i) left[i] = *reinterpret_cast<const Four*>(a + kk * kPitchA + row + 16 * i);
      KG_UNROLL
      for (int j = 0; j < kAcross; ++j) right[j] = *reinterpret_cast<const Four*>(b + kk * kPitchB + column + 32 * j);
      KG_UNROLL
      for (int i = 0; i < kDown; ++i) {
        KG_UNROLL
        for (int j = 0; j < kAcross; ++j) {
          KG_UNROLL
          for (int e = 0; e < 16; ++e) {
            Sum& x = sum[i][j][e / 4][e % 4];
            if constexpr (is_same<Sum, float>)
              x = ::fmaf(left[i].at[e / 4], right[j].at[e % 4], x);
            else
              x = ::fma(left[i].at[e / 4], right[j].at[e % 4], x);
          }
        }
      }
    }
  }

  template <class A, class B> KG_DEVICE void run(A& a, B& b, int steps, unsigned char* shared) {
    Sum* panels_a = reinterpret_cast<Sum*>(shared);
    Sum* panels_b = panels_a + 2 * kK * kPitchA;
    if (steps == 0) return;
    Carry<ShareA, vec_a, deep_a, kPitchA> carry_a;
    Carry<ShareB, vec_b, deep_b, kPitchB> carry_b;
    carry_a.take(a);
    carry_b.take(b);
    carry_a.put(panels_a);
    carry_b.put(panels_b);
    sync_block();
    for (int s = 0; s < steps; ++s) {
      const int now = s & 1;
      if (s + 1 < steps) {
        a.next();
        b.next();
        carry_a.take(a);
        carry_b.take(b);
      }
      step(panels_a + now * kK * kPitchA, panels_b + now * kK * kPitchB);
      if (s + 1 < steps) {
        carry_a.put(panels_a + (1 - now) * kK * kPitchA);
        carry_b.put(panels_b + (1 - now) * kK * kPitchB);
      }
      sync_block();
    }
  }

  template <class Put> KG_DEVICE void each(const Put& put) {
    KG_UNROLL
    for (int i = 0; i < kDown; ++i) {
      KG_UNROLL
      for (int r = 0; r < 4; ++r) {
        const auto place = put.row(row + 16 * i + r);
        KG_UNROLL
        for (int j = 0; j < kAcross; ++j) put(place, column + 32 * j, sum[i][j][r]);
      }
    }
  }
};

}  // namespace kg
