// The inner loop of a tile on Hopper's tensor cores: wgmma m64nNk16 of float16 and bfloat16, m64nNk8 of floats (TF32), sums in float.
//
// A block has wm x wn warps, wm a multiple of 4: wm / 4 x wn warpgroups, each of which makes a (4 kM / wm) x (kN / wn) piece of the tile
// from panels in shared memory. Rows of a panel have 128 bytes (wgmma.cuh), kK elements of k. All threads copy panels, by cp.async, and
// start products. Panels lie in a ring of `stages`. In step s
//
//   panel s has arrived for this thread -> proxy fence -> barrier: it is there for all, and nobody reads panel s - 2 any more
//   products of panel s start; panel s + stages - 2 is copied over panel s - 2 meanwhile
//   the products of panel s - 1 are waited for
//
// Floats are rounded to TF32 by the thread that copied them, between arrival and fence, since wgmma would cut what is beyond (KG_ROUND
// 0 lets it). TF32 operands must be deep: wide ones are turned while they are copied, float by float, by threads of a warp that
// take 8 neighbours of 4 rows: whole sectors of memory, and every bank of shared memory once.
// Shared memory: stages * (kM + kN) * 128 bytes, and 1024 to begin at a multiple of that.
#pragma once
#include "gemm_panel.cuh"
#include "wgmma.cuh"

namespace kg {

template <class T, int outer, bool deep> struct SwizzledPanel {
  static constexpr int kEach = 16 / (int)sizeof(T), kLength = 128 / (int)sizeof(T);  // elements of a chunk, of a row
  static constexpr bool kTurned = !deep && sizeof(T) == 4, kWide = !deep && !kTurned;
  static constexpr int kRows = deep ? outer : kLength, kColumns = deep ? kLength : outer;  // of the operand
  static constexpr int kBytes = outer * 128;
  static constexpr int kLeading = kWide ? kLength * 128 : 16, kStride = 1024;  // of a descriptor
  static constexpr int kStep = kWide ? 32 / (int)sizeof(T) * 128 : 32;         // bytes from one product's k to the next one's
  static_assert(outer % 64 == 0, "panels are made of 64 rows");

  KG_DEVICE static int place(int row, int column) {
    return row * kLength + ((column / kEach) ^ (row & 7)) * kEach + column % kEach;
  }
  // Index of element (row, column) of the operand.
  KG_DEVICE static int at(int row, int column) {
    if (kTurned) return place(column, row);
    if (kWide) return column / kLength * (kLength * kLength) + place(row, column % kLength);
    return place(row, column);
  }
  // Index of the first row, of a multiple of 64, of m or n.
  KG_DEVICE static int block(int i) { return i * kLength; }
};

// As Share of gemm_panel.cuh, for panels that are turned: the rows of a thread follow each other.
template <int rows, int columns, int threads> struct ShareTurned {
  static constexpr int kPerRow = columns, kRowStep = 1, kPieces = rows * columns / threads;
  static_assert(threads % columns == 0 && kPieces % 4 == 0, "threads do not divide the panel");
  KG_DEVICE static int row() { return thread_index() / columns * kPieces; }
  KG_DEVICE static int column() { return thread_index() % columns; }
  KG_DEVICE static bool has(int) { return true; }
};
template <bool turned, class P, int vec, int threads> struct ShareOf {
  typedef Share<P::kRows, P::kColumns, vec, threads> type;
};
template <class P, int vec, int threads> struct ShareOf<true, P, vec, threads> {
  typedef ShareTurned<P::kRows, P::kColumns, threads> type;
};

// What one thread does to its part of a panel.
template <class T, class P, class S, int vec> struct Porter {
  typedef Pack<T, vec> Piece;

  template <class Each> KG_DEVICE static void pieces(const Each& each) {
    const auto one = [&](int q) { each(q, P::at(S::row() + q * S::kRowStep, S::column())); };
    if constexpr (P::kTurned) {
      const int turn = lane_index() / 8;  // another row for each 8 threads: other banks
      KG_LOOP
      for (int q = 0; q < S::kPieces; q += 4) {
        KG_UNROLL
        for (int e = 0; e < 4; ++e) one(q + (e ^ turn));
      }
    } else {
      KG_UNROLL
      for (int q = 0; q < S::kPieces; ++q) {
        if (S::has(q)) one(q);
      }
    }
  }
  template <class Source> KG_DEVICE static void fetch(T* panel, const Source& source) {
    pieces([&](int q, int at) {
      const T* from;
      const bool inside = source.get(q, from);
      if constexpr (vec * sizeof(T) >= 4)
        copy_async<vec*(int)sizeof(T)>(panel + at, from, inside ? vec * (int)sizeof(T) : 0);
      else
        store_shared(panel + at, inside ? *from : T{});
    });
  }
  KG_DEVICE static void round(T* panel) {
    pieces([&](int, int at) {
      Piece* piece = reinterpret_cast<Piece*>(panel + at);
      Piece x = *piece;
      KG_UNROLL
      for (int e = 0; e < vec; ++e) x.at[e] = bits_float(to_tf32(x.at[e]));
      store_shared(piece, x);
    });
  }
};

template <class Elem, int m, int n, int k, int wm, int wn, int stages, int vec_a, int vec_b, bool deep_a, bool deep_b,
          bool rounded>
struct WgmmaTile {
  typedef Elem T;
  typedef float Sum;
  static constexpr int kM = m, kN = n, kK = k, kThreads = 32 * wm * wn, kVector = 4;
  typedef SwizzledPanel<T, kM, deep_a> PanelA;
  typedef SwizzledPanel<T, kN, deep_b> PanelB;
  static constexpr int kVecA = PanelA::kTurned ? 1 : vec_a, kVecB = PanelB::kTurned ? 1 : vec_b;
  typedef typename ShareOf<PanelA::kTurned, PanelA, kVecA, kThreads>::type ShareA;
  typedef typename ShareOf<PanelB::kTurned, PanelB, kVecB, kThreads>::type ShareB;
  typedef Porter<T, PanelA, ShareA, kVecA> PorterA;
  typedef Porter<T, PanelB, ShareB, kVecB> PorterB;
  static constexpr int kRows = kM / (wm / 4), kColumns = kN / wn;  // of a warpgroup
  static constexpr int kDown = kRows / 64, kAcross = kColumns / 8;
  static_assert(kK * sizeof(T) == 128 && wm % 4 == 0 && kRows % 64 == 0 && stages >= 3, "not a tile of wgmma");

  float sum[kDown][kAcross][4];
  int row, column;  // of this warpgroup's piece

  KG_DEVICE WgmmaTile() {
    const int group = shuffle(warp_index() / 4, 0);  // the compiler sees that it is the same for the whole warp
    row = group / wn * kRows;
    column = group % wn * kColumns;
    KG_UNROLL
    for (int i = 0; i < kDown; ++i) {
      KG_UNROLL
      for (int j = 0; j < kAcross; ++j) {
        KG_UNROLL
        for (int e = 0; e < 4; ++e) sum[i][j][e] = 0;
      }
    }
  }

  KG_DEVICE void start(const T* a, const T* b) {
    const uint64_t left = descriptor(a + PanelA::block(row), PanelA::kLeading, PanelA::kStride);
    const uint64_t right = descriptor(b + PanelB::block(column), PanelB::kLeading, PanelB::kStride);
    wgmma_fence();
    KG_UNROLL
    for (int turn = 0; turn < 4; ++turn) {  // 32 bytes of k each
      KG_UNROLL
      for (int i = 0; i < kDown; ++i) {
        const int down = i * 64 * 128;  // bytes: whole blocks, whichever way the panel lies
        wgmma<T, PanelA::kWide, PanelB::kWide>(sum[i], left + ((down + turn * PanelA::kStep) >> 4),
                                               right + (turn * PanelB::kStep >> 4));
      }
    }
    wgmma_commit();
  }

  // Adds `steps` panels' products. Shared memory may be used again after the next barrier.
  template <class A, class B> KG_DEVICE void run(A& a, B& b, int steps, unsigned char* shared) {
    shared += -shared_address(shared) & 1023u;
    T* panels_a = reinterpret_cast<T*>(shared);
    T* panels_b = reinterpret_cast<T*>(shared + stages * PanelA::kBytes);
    constexpr int size_a = PanelA::kBytes / (int)sizeof(T), size_b = PanelB::kBytes / (int)sizeof(T);
    constexpr int ahead_by = stages - 2;
    const auto fetch = [&](int slot) {
      PorterA::fetch(panels_a + slot * size_a, a);
      PorterB::fetch(panels_b + slot * size_b, b);
      a.next();
      b.next();
    };
    KG_LOOP
    for (int s = 0; s < ahead_by; ++s) {
      if (s < steps) fetch(s);
      commit_async();
    }
    int now = 0, ahead = ahead_by;
    KG_LOOP
    for (int s = 0; s < steps; ++s) {
      wait_async<ahead_by - 1>();
      if constexpr (rounded) {
        PorterA::round(panels_a + now * size_a);
        PorterB::round(panels_b + now * size_b);
      }
      fence_async();
      sync_block();
      start(panels_a + now * size_a, panels_b + now * size_b);
      if (s + ahead_by < steps) fetch(ahead);
      commit_async();
      wgmma_wait<1>();
      now = now + 1 == stages ? 0 : now + 1;
      ahead = ahead + 1 == stages ? 0 : ahead + 1;
    }
    wgmma_wait<0>();
    keep();
    wait_async<0>();
  }

  // After the last wait: the sums are results.
  KG_DEVICE void keep() {
    KG_UNROLL
    for (int i = 0; i < kDown; ++i) wgmma_keep(sum[i]);
  }

  // put(i, j, v): v holds kVector neighbouring elements from (i, j) of the tile on. Two lanes that have two neighbours each in two
  // blocks of 8 columns exchange them for four in one block: a warp stores whole sectors of 16-bit elements.
  template <class Put> KG_DEVICE void each(const Put& put) {
    const int g = lane_index() / 4 + warp_index() % 4 * 16, t = lane_index() % 4, odd = t % 2;
    KG_UNROLL
    for (int i = 0; i < kDown; ++i) {
      KG_UNROLL
      for (int half = 0; half < 2; ++half) {
        const auto place = put.row(row + 64 * i + 8 * half + g);
        KG_UNROLL
        for (int j = 0; j < kAcross; j += 2) {
          const float *low = sum[i][j] + 2 * half, *high = sum[i][j + 1] + 2 * half;
          const float x = shuffle_xor(odd ? low[0] : high[0], 1), y = shuffle_xor(odd ? low[1] : high[1], 1);
          const float v[4] = {odd ? x : low[0], odd ? y : low[1], odd ? high[0] : x, odd ? high[1] : y};
          put(place, column + 8 * (j + odd) + 2 * (t - odd), v);
        }
      }
    }
  }
};

}  // namespace kg
