// Copies of boxes and barriers in shared memory on the CPU. A copy makes its target NaN at once and happens as late as it can: when no
// thread of the block can go on without it (under the random schedule sometimes before). Then it swizzles, fills with zeros what is
// outside, and counts its bytes at the barrier.
#pragma once

namespace kg {

struct alignas(64) TensorMap {  // as ShimDriver.tensor_map packs it
  uint64_t address, size[3], stride[2];  // elements; bytes
  uint32_t box[3], item, swizzle, magic;
  uint64_t unused[7];
};

}  // namespace kg

namespace kg_shim {

struct Mbarrier {  // what is in shared memory
  uint8_t expected, missing, phase, made;
  int32_t bytes;  // that have been announced and not come
};
static_assert(sizeof(Mbarrier) == 8, "a barrier has 64 bits");
constexpr uint8_t kMade = 0x5b;

struct Copy {
  unsigned char* to;
  const kg::TensorMap* map;
  int at[3];
  Mbarrier* barrier;
};
constexpr int kMostCopies = 256;
static Copy copies[kMostCopies];

inline Mbarrier& barrier_of(void* b) {
  Mbarrier& it = *static_cast<Mbarrier*>(b);
  if (reinterpret_cast<uintptr_t>(b) % 8 || it.made != kMade) stop("this is no barrier that was initialised", __LINE__);
  return it;
}
inline void settle(Mbarrier& b) {
  if (b.missing || b.bytes) return;
  b.phase ^= 1;
  b.missing = b.expected;
}
inline void arrive(Mbarrier& b) {
  if (b.missing == 0) stop("more arrivals at a barrier than it counts", __LINE__);
  --b.missing;
  settle(b);
}

inline void do_copy(const Copy& c) {
  const kg::TensorMap& t = *c.map;
  unsigned char* at = c.to;
  for (uint32_t y = 0; y < t.box[1]; ++y)
    for (uint32_t x = 0; x < t.box[0]; ++x, at += t.item) {
      const int64_t px = int64_t(c.at[0]) + x, py = int64_t(c.at[1]) + y, pz = c.at[2];
      const uint32_t where = shared_address_of(at), bits = t.swizzle == 3 ? 7 : t.swizzle == 2 ? 3 : t.swizzle;
      unsigned char* to = m.dynamic + ((where ^ (where >> 7 & bits) << 4) - kSharedBase);
      const bool inside = px >= 0 && py >= 0 && pz >= 0 && px < int64_t(t.size[0]) && py < int64_t(t.size[1]) && pz < int64_t(t.size[2]);
      const char* from = reinterpret_cast<const char*>(t.address) + (inside ? px * t.item + py * t.stride[0] + pz * t.stride[1] : 0);
      if (inside)
        memcpy(to, from, t.item);
      else
        memset(to, 0, t.item);
      show(to, int(t.item));
    }
  c.barrier->bytes -= int32_t(t.box[0] * t.box[1] * t.item);
  settle(*c.barrier);
}

}  // namespace kg_shim

namespace kg {

inline void barrier_init(uint64_t* b, int count) {
  kg_shim::Mbarrier it = {uint8_t(count), uint8_t(count), 0, kg_shim::kMade, 0};
  memcpy(b, &it, sizeof(it));
}
inline void barrier_expect(uint64_t* b, int bytes) {
  kg_shim::Mbarrier& it = kg_shim::barrier_of(b);
  it.bytes += bytes;
  kg_shim::arrive(it);
}
inline void barrier_arrive(uint64_t* b, bool really) {
  kg_shim::warp_barrier(__LINE__);
  if (really && (kg_shim::m.now_index & 31) == 0) kg_shim::arrive(kg_shim::barrier_of(b));
}
inline void barrier_wait(uint64_t* b, uint32_t phase) {
  kg_shim::Mbarrier& it = kg_shim::barrier_of(b);
  while (it.phase == phase) {
    kg_shim::m.now->state = kg_shim::kPolling;
    kg_shim::m.now->phase_ended = [](const void* p, unsigned phase) { return static_cast<const kg_shim::Mbarrier*>(p)->phase != phase; };
    kg_shim::m.now->polled = b;
    kg_shim::m.now->polled_phase = phase;
    kg_shim::yield_to_scheduler();
  }
}
inline void copy_box(void* to, const TensorMap& map, int x, int y, int z, uint64_t* b) {
  using namespace kg_shim;
  const int box = int(map.box[0] * map.box[1] * map.item);
  if (map.magic != 0x7e4507) stop("this is no tensor map", __LINE__);
  if (map.box[0] * map.item > 128 || map.box[1] > 256 || map.swizzle > 3) stop("a box is too large", __LINE__);
  if (shared_address_of(to) % (map.swizzle ? 1024 : 128)) stop("the target of a box is not aligned", __LINE__);
  if (m.n_copies == kMostCopies) stop("too many copies in flight", __LINE__);
  memset(to, 0xff, size_t(box));
  show(to, box, false);
  copies[m.n_copies++] = {static_cast<unsigned char*>(to), &map, {x, y, z}, &barrier_of(b)};
  m.do_copy = [](int k) { do_copy(copies[k]); };
  m.drop_copy = [](int k) { copies[k] = copies[--m.n_copies]; };
}
template <int n> inline void fewer_registers() { static_assert(n % 8 == 0 && n >= 24 && n <= 256, ""); }
template <int n> inline void more_registers() { static_assert(n % 8 == 0 && n >= 24 && n <= 256, ""); }

}  // namespace kg
