// The inner loop of a tile on tensor cores: mma.sync m16n8k8 for floats (rounded to TF32), m16n8k16 for float16 and bfloat16, sums in
// float.
//
// A block has wm x wn x wk warps. Each makes a (kM / wm) x (kN / wn) piece of the tile, and of every step its own 1 / wk of kK: where m
// and n are small, several warps share one piece and their sums are added at the end, in order. Panels lie in a ring of `stages` in
// shared memory, filled by cp.async `stages` - 1 steps ahead; one barrier a step.
// Shared memory: stages * (kM + kN) * kK elements (8 kK more for a wide panel of floats); and, after the last step, (wk - 1) * kM * kN floats.
#pragma once
#include "gemm_panel.cuh"

namespace kg {

template <class T> KG_DEVICE void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (is_same<T, f16>)
    mma_f16(d, a, b);
  else if constexpr (is_same<T, bf16>)
    mma_bf16(d, a, b);
  else
    mma_tf32(d, a, b);
}

template <class Elem, int m, int n, int k, int wm, int wn, int wk, int stages, int vec_a, int vec_b, bool deep_a, bool deep_b>
struct MmaTile {
  typedef Elem T;
  typedef float Sum;
  static constexpr int kM = m, kN = n, kK = k, kThreads = 32 * wm * wn * wk;
  typedef Panel<T, kM, kK, deep_a> PanelA;
  typedef Panel<T, kN, kK, deep_b> PanelB;
  typedef Share<PanelA::kRows, PanelA::kColumns, vec_a, kThreads> ShareA;
  typedef Share<PanelB::kRows, PanelB::kColumns, vec_b, kThreads> ShareB;
  static constexpr int kDown = kM / wm / 16, kAcross = kN / wn / 8, kVector = 2;
  static constexpr int kStep = 32 / (int)sizeof(T);  // k of one instruction
  static constexpr int kEach = 16 / (int)sizeof(T);
  static constexpr int kTurns = kK / kStep / wk;
  static_assert(kM % (16 * wm) == 0 && kN % (16 * wn) == 0 && kK % (kStep * wk) == 0, "warps do not divide the tile");

  float sum[kDown][kAcross][4];
  int row, column, slice;  // of this warp's piece

  KG_DEVICE MmaTile() {
    const int warp = warp_index();
    row = warp / wn % wm * (kM / wm);
    column = warp % wn * (kN / wn);
    slice = warp / (wn * wm) * kTurns;
    KG_UNROLL
    for (int i = 0; i < kDown; ++i) {
      KG_UNROLL
      for (int j = 0; j < kAcross; ++j) {
        KG_UNROLL
        for (int e = 0; e < 4; ++e) sum[i][j][e] = 0;
      }
    }
  }

  // A fragment: rows at..at+15 of A, columns kk..kk+kStep-1.
  KG_DEVICE static void load_a(uint32_t (&a)[4], const T* panel, int at, int kk) {
    const int lane = lane_index();
    if constexpr (deep_a) {
      load_matrix(a, panel + PanelA::chunk(at + lane % 16, kk / kEach + lane / 16));
    } else if constexpr (sizeof(T) == 2) {
      load_matrix_transposed(a, panel + PanelA::chunk(kk + lane / 16 * 8 + lane % 8, at / kEach + lane / 8 % 2));
    } else {
      const int g = lane / 4, t = lane % 4;
      KG_UNROLL
      for (int e = 0; e < 4; ++e) a[e] = float_bits(panel[PanelA::at(kk + t + e / 2 * 4, at + g + e % 2 * 8)]);
    }
  }
  // Two fragments: columns at..at+15 of B.
  KG_DEVICE static void load_b(uint32_t (&b)[4], const T* panel, int at, int kk) {
    const int lane = lane_index();
    if constexpr (deep_b) {
      load_matrix(b, panel + PanelB::chunk(at + lane / 16 * 8 + lane % 8, kk / kEach + lane / 8 % 2));
    } else if constexpr (sizeof(T) == 2) {
      load_matrix_transposed(b, panel + PanelB::chunk(kk + lane % 16, at / kEach + lane / 16));
    } else {
      const int g = lane / 4, t = lane % 4;
      KG_UNROLL
      for (int e = 0; e < 4; ++e) b[e] = float_bits(panel[PanelB::at(kk + t + e % 2 * 4, at + g + e / 2 * 8)]);
    }
  }
  template <int count> KG_DEVICE static void round(uint32_t (&x)[count]) {
    if constexpr (sizeof(T) == 4) {
      KG_UNROLL
      for (int e = 0; e < count; ++e) x[e] = to_tf32(bits_float(x[e]));
    }
  }

  KG_DEVICE void step(const T* a, const T* b) {
    KG_LOOP
    for (int turn = 0; turn < kTurns; ++turn) {
      const int kk = (slice + turn) * kStep;
      uint32_t left[kDown][4], right[kAcross][2];
      KG_UNROLL
      for (int i = 0; i < kDown; ++i) {
        load_a(left[i], a, row + 16 * i, kk);
        round(left[i]);
      }
      KG_UNROLL
      for (int j = 0; j < kAcross; j += 2) {
        uint32_t two[4];
        load_b(two, b, column + 8 * j, kk);
        round(two);
        right[j][0] = two[0], right[j][1] = two[1];
        right[j + 1][0] = two[2], right[j + 1][1] = two[3];
      }
      KG_UNROLL
      for (int i = 0; i < kDown; ++i) {
        KG_UNROLL
        for (int j = 0; j < kAcross; ++j) multiply<T>(sum[i][j], left[i], right[j]);
      }
    }
  }

  // Adds `steps` panels' products. Shared memory may be used again after the next barrier.
  template <class A, class B> KG_DEVICE void run(A& a, B& b, int steps, unsigned char* shared) {
    T* panels_a = reinterpret_cast<T*>(shared);
    T* panels_b = reinterpret_cast<T*>(shared + stages * PanelA::kBytes);
    constexpr int size_a = PanelA::kBytes / (int)sizeof(T), size_b = PanelB::kBytes / (int)sizeof(T);
    KG_LOOP
    for (int s = 0; s < stages - 1; ++s) {
      if (s < steps) {
        fetch<PanelA, T, ShareA, vec_a>(panels_a + s * size_a, a);
        fetch<PanelB, T, ShareB, vec_b>(panels_b + s * size_b, b);
        a.next();
        b.next();
      }
      commit_async();
    }
    int now = 0, ahead = stages - 1;
    for (int s = 0; s < steps; ++s) {
      wait_async<stages - 2>();
      sync_block();  // panel `now` is there for all, and nobody reads panel `ahead` any more
      if (s + stages - 1 < steps) {
        fetch<PanelA, T, ShareA, vec_a>(panels_a + ahead * size_a, a);
        fetch<PanelB, T, ShareB, vec_b>(panels_b + ahead * size_b, b);
        a.next();
        b.next();
      }
      commit_async();
      step(panels_a + now * size_a, panels_b + now * size_b);
      now = now + 1 == stages ? 0 : now + 1;
      ahead = ahead + 1 == stages ? 0 : ahead + 1;
    }
    wait_async<0>();
    if constexpr (wk > 1) join(reinterpret_cast<float*>(shared));
  }

  // Adds the sums of the warps that share a piece; the first of them has the result.
  KG_DEVICE void join(float* room) {
    constexpr int own = kDown * kAcross * 4, group = 32 * wm * wn;
    const int k_group = thread_index() / group, place = thread_index() % group;
    sync_block();
    if (k_group > 0) {
      KG_UNROLL
      for (int e = 0; e < own; ++e)
        room[((k_group - 1) * own + e) * group + place] = sum[e / 4 / kAcross][e / 4 % kAcross][e % 4];
    }
    sync_block();
    if (k_group > 0) return;
    KG_UNROLL
    for (int e = 0; e < own; ++e) {
      float& x = sum[e / 4 / kAcross][e / 4 % kAcross][e % 4];
      KG_UNROLL
      for (int g = 1; g < wk; ++g) x += room[((g - 1) * own + e) * group + place];
    }
  }

  // put(i, j, v): v holds kVector neighbouring elements from (i, j) of the tile on.
  template <class Put> KG_DEVICE void each(const Put& put) {
    if (wk > 1 && thread_index() >= 32 * wm * wn) return;
    const int g = lane_index() / 4, t = lane_index() % 4;
    KG_UNROLL
    for (int i = 0; i < kDown; ++i) {
      KG_UNROLL
      for (int half = 0; half < 2; ++half) {
        const auto place = put.row(row + 16 * i + 8 * half + g);
        KG_UNROLL
        for (int j = 0; j < kAcross; ++j) {
          const float v[2] = {sum[i][j][2 * half], sum[i][j][2 * half + 1]};
          put(place, column + 8 * j + 2 * t, v);
        }
      }
    }
  }
};

}  // namespace kg
