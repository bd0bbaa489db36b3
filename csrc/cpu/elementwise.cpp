// elementwise: out = f(inputs) for a short program f, one output element from the input elements that broadcast to it.
//
// One kernel serves single operations and fused chains. f is a list of instructions (csrc/common/opcodes.h) on registers:
// 0..n_in-1 hold the inputs, the next n_const the constants, the rest are temporaries. The index space dims is walked in
// tiles small enough for the registers of a tile to stay in the first-level cache; an instruction is one loop over a tile.
//
//   ints    compute type (0 float, 1 double, 2 int64, 3 uint64), ndim, n_in, n_const, n_out, n_instr, dims[ndim],
//           strides[n_in][ndim] in elements (0 repeats), out_register[n_out], then opcode, dst, a, b, c per instruction,
//           then, for compute types 2 and 3, the n_const constants
//   floats  for compute types 0 and 1 the n_const constants
//   inputs  any dtype that the compute type can hold; outputs contiguous in dims order, of the compute type's own
//           dtypes (float: float32, float16, bfloat16), or bool (nonzero)
//
// Float16 and bfloat16 are computed in float and rounded once, on store. An output may be an input of its item
// size that has no broadcast dimension and is not itself another output. Threads take fixed runs of elements, and every element's value depends
// on its own operands alone, so nothing about the split can be seen in the result.
#include "elementwise_memory.h"
#include "elementwise_plan.h"
#include "parallel.h"
#include "stream.h"

namespace KG_NS {
namespace {

constexpr int64_t kScratchBytes = 24 << 10;
constexpr int64_t kMaxTile = 1024;
constexpr int64_t kLongRow = 256;  // rows from here on are walked one by one; shorter ones share a tile

// How a register gets its tile.
enum Source {
  kDirect,     // contiguous and of type T: points into the array
  kRowDirect,  // the same within a row
  kPacked,     // contiguous, converted tile by tile
  kOnce,       // the same values in every tile: written at the start
  kWalk,       // anything else: run by run along the last dimension
};

// A tile from scratch to an array that is too large for the cache.
template <class T> void stream_span(const T* x, void* base, int64_t offset, int64_t n) {
  stream_bytes(x, static_cast<T*>(base) + offset, n * int64_t(sizeof(T)));
}
// The same for arrays of halves, which are rounded in a tile of their own.
template <class H> void stream_halves(const float* x, void* base, int64_t offset, int64_t n) {
  alignas(64) H tile[kMaxTile];
  for (int64_t i = 0; i < n; i += kMaxTile) {
    const int64_t count = n - i < kMaxTile ? n - i : kMaxTile;
    from_float(x + i, tile, count);
    stream_bytes(tile, static_cast<H*>(base) + offset + i, count * int64_t(sizeof(H)));
  }
}
template <class T> StoreSpan<T> past_cache_span(DType dtype) {
  if constexpr (std::is_floating_point<T>::value)
    if (dtype == dtype_of<T>::value) return &stream_span<T>;
  if constexpr (std::is_same<T, float>::value) {
    if (dtype == kF16) return &stream_halves<f16>;
    if (dtype == kBF16) return &stream_halves<bf16>;
  }
  return nullptr;
}

template <class T> struct Runner {
  const Call& call;
  const ElementwisePlan& plan;
  const OpTable<T>& ops;
  int64_t inner;
  bool by_rows = false;
  Source source[kMaxRegisters];
  int slot[kMaxRegisters];  // place in scratch, -1 for none
  LoadSpan<T> loader[kMaxRegisters];
  StoreSpan<T> storer[kMaxOutputs];
  int direct_out = -1;  // output that the last instruction writes in place
  int64_t tile;

  Runner(const Call& c, const ElementwisePlan& p, const OpTable<T>& o) : call(c), plan(p), ops(o) {
    inner = plan.dims[plan.ndim - 1];
    bool broadcast = false;
    for (int k = 0; k < plan.n_in; ++k) {
      source[k] = classify(k);
      if (source[k] == kWalk) broadcast = true;
      loader[k] = load_span<T>(call.in[k].dtype);
    }
    bool past_cache = false;
    for (int k = 0; k < plan.n_out; ++k) {
      const DType dtype = call.out[k].dtype;
      const auto streamed = plan.size >= kStreamBytes / dtype_size(dtype) ? past_cache_span<T>(dtype) : nullptr;
      storer[k] = streamed ? streamed : store_span<T>(dtype);
      if (streamed) past_cache = true;
    }
    if (plan.n_instr > 0 && !past_cache)
      for (int k = 0; k < plan.n_out && direct_out < 0; ++k)
        if (plan.out_register[k] == plan.instruction[plan.n_instr - 1].dst && call.out[k].dtype == dtype_of<T>::value)
          direct_out = k;
    place_registers();
    if (!broadcast) return;
    by_rows = inner >= kLongRow || inner > tile;
    if (by_rows) {
      for (int k = 0; k < plan.n_in; ++k)
        if (source[k] == kWalk && row_stride(k) == 1 && call.in[k].dtype == dtype_of<T>::value) source[k] = kRowDirect;
    } else {
      for (int k = 0; k < plan.n_in; ++k)
        if (source[k] == kWalk && only_last_dimension(k)) source[k] = kOnce;  // tiles hold whole rows and see the same
      if (tile > inner) tile -= tile % inner;
    }
  }

  int64_t row_stride(int k) const { return plan.strides[k][plan.ndim - 1]; }

  bool only_last_dimension(int k) const {
    for (int d = 0; d + 1 < plan.ndim; ++d)
      if (plan.strides[k][d] != 0 && plan.dims[d] > 1) return false;
    return true;
  }

  Source classify(int k) const {
    bool constant = true, packed = true;
    int64_t expected = 1;
    for (int d = plan.ndim - 1; d >= 0; --d) {
      if (plan.dims[d] == 1) continue;
      if (plan.strides[k][d] != 0) constant = false;
      if (plan.strides[k][d] != expected) packed = false;
      expected *= plan.dims[d];
    }
    if (packed) return call.in[k].dtype == dtype_of<T>::value ? kDirect : kPacked;
    return constant ? kOnce : kWalk;
  }

  void place_registers() {
    int used = 0;
    for (int r = 0; r < plan.n_registers; ++r) slot[r] = -1;
    for (int k = 0; k < plan.n_in; ++k)
      if (source[k] != kDirect) slot[k] = used++;
    for (int k = 0; k < plan.n_const; ++k) slot[plan.n_in + k] = used++;
    for (int k = 0; k < plan.n_instr - (direct_out >= 0 ? 1 : 0); ++k)
      if (slot[plan.instruction[k].dst] < 0) slot[plan.instruction[k].dst] = used++;
    tile = used == 0 ? plan.size : kScratchBytes / int64_t(sizeof(T)) / used;
    if (used > 0) tile = (tile < kMaxTile ? tile : kMaxTile) & ~int64_t(15);
  }

  // Elements [pos, pos + n) of input k, which may span several rows.
  void walk(int k, const int64_t* at, int64_t offset, T* y, int64_t n) const {
    const int last = plan.ndim - 1;
    const int64_t* stride = plan.strides[k];
    int64_t coordinate[kMaxDims];
    for (int d = 0; d <= last; ++d) coordinate[d] = at[d];
    int64_t begin = at[last];
    while (n > 0) {
      const int64_t run = inner - begin < n ? inner - begin : n;
      loader[k](call.in[k].data, offset + begin * stride[last], stride[last], y, run);
      y += run;
      n -= run;
      begin = 0;
      for (int d = last - 1; d >= 0; --d) {
        offset += stride[d];
        if (++coordinate[d] < plan.dims[d]) break;
        offset -= plan.dims[d] * stride[d];
        coordinate[d] = 0;
      }
    }
  }

  void fill_once(T* const* scratch) const {
    const int64_t n = tile;
    for (int k = 0; k < plan.n_in; ++k)
      if (source[k] == kOnce) {
        if (row_stride(k) == 0 || plan.dims[plan.ndim - 1] == 1) {
          loader[k](call.in[k].data, 0, 0, scratch[k], n);
        } else {
          for (int64_t i = 0; i < n; i += inner)
            loader[k](call.in[k].data, 0, row_stride(k), scratch[k] + i, inner < n - i ? inner : n - i);
        }
      }
    for (int k = 0; k < plan.n_const; ++k) {
      const T value = plan.compute >= kComputeInt64 ? static_cast<T>(plan.int_constants[k]) : static_cast<T>(plan.constants[k]);
      T* y = scratch[plan.n_in + k];
      for (int64_t i = 0; i < n; ++i) y[i] = value;
    }
  }

  // Elements [begin, end) of the output.
  void run(int64_t begin, int64_t end) const {
    alignas(64) unsigned char memory[kScratchBytes];
    T* scratch[kMaxRegisters];
    const T* reg[kMaxRegisters];
    for (int r = 0; r < plan.n_registers; ++r) {
      scratch[r] = slot[r] < 0 ? nullptr : reinterpret_cast<T*>(memory) + slot[r] * stride_of_slot();
      reg[r] = scratch[r];
    }
    fill_once(scratch);
    bool walks = by_rows;
    for (int k = 0; k < plan.n_in; ++k) walks = walks || source[k] == kWalk;
    int64_t n;
    for (int64_t pos = begin; pos < end; pos += n) {
      n = end - pos < tile ? end - pos : tile;
      int64_t at[kMaxDims];
      if (walks) {
        int64_t rest = pos;
        for (int d = plan.ndim - 1; d >= 0; --d) {
          at[d] = rest % plan.dims[d];
          rest /= plan.dims[d];
        }
        if (by_rows && n > inner - at[plan.ndim - 1]) n = inner - at[plan.ndim - 1];
      }
      for (int k = 0; k < plan.n_in; ++k) load(k, pos, at, n, scratch, reg);
      for (int k = 0; k < plan.n_instr; ++k) {
        const Instruction& x = plan.instruction[k];
        const bool in_place = k == plan.n_instr - 1 && direct_out >= 0;
        T* dst = in_place ? static_cast<T*>(call.out[direct_out].data) + pos : scratch[x.dst];
        ops.op[x.opcode](reg[x.arg[0]], reg[x.arg[1]], reg[x.arg[2]], dst, n);
        reg[x.dst] = dst;
      }
      for (int k = 0; k < plan.n_out; ++k)
        if (k != direct_out) storer[k](reg[plan.out_register[k]], call.out[k].data, pos, n);
      if (direct_out >= 0) reg[plan.out_register[direct_out]] = scratch[plan.out_register[direct_out]];
    }
    end_stream();
  }

  int64_t stride_of_slot() const { return (tile + 15) & ~int64_t(15); }

  void load(int k, int64_t pos, const int64_t* at, int64_t n, T* const* scratch, const T** reg) const {
    switch (source[k]) {
      case kDirect: reg[k] = static_cast<const T*>(call.in[k].data) + pos; return;
      case kPacked: loader[k](call.in[k].data, pos, 1, scratch[k], n); return;
      case kOnce: return;
      case kRowDirect: reg[k] = static_cast<const T*>(call.in[k].data) + offset_of(k, at) + at[plan.ndim - 1]; return;
      case kWalk: walk(k, at, offset_of(k, at), scratch[k], n); return;
    }
  }

  // Of the row that holds `at`.
  int64_t offset_of(int k, const int64_t* at) const {
    int64_t offset = 0;
    for (int d = 0; d + 1 < plan.ndim; ++d) offset += at[d] * plan.strides[k][d];
    return offset;
  }
};

template <class T> void run_plan(const Call& call, const ElementwisePlan& plan, const OpTable<T>& ops) {
  const Runner<T> runner(call, plan, ops);
  const int64_t cost = plan.compute == kComputeFloat ? plan.cost : 4 * plan.cost;
  int64_t grain = 65536 / (3 + cost);
  if (grain < 512) grain = 512;
  if (runner.tile <= kMaxTile) grain = (grain + runner.tile - 1) / runner.tile * runner.tile;  // whole rows, whole tiles
  parallel_range(plan.size, grain, [&](int64_t begin, int64_t end) { runner.run(begin, end); });
}

// Whether every element of output `out` is made when the last of input `in` at that index was read: the input lies like the output,
// and no other output, which may be stored later, is a copy of it.
bool may_write_over(const Call& call, int out, int in) {
  ElementwisePlan plan;
  read_elementwise_plan(call, plan);
  int64_t expected = 1;
  for (int d = plan.ndim - 1; d >= 0; --d) {
    if (plan.dims[d] == 1) continue;
    if (plan.strides[in][d] != expected) return false;
    expected *= plan.dims[d];
  }
  for (int k = 0; k < plan.n_out; ++k)
    if (k != out && plan.out_register[k] == in) return false;
  return true;
}

}  // namespace

void elementwise(const Call& call) {
  ElementwisePlan plan;
  read_elementwise_plan(call, plan);
  if (plan.size == 0) return;
  switch (plan.compute) {
    case kComputeFloat: return run_plan(call, plan, float_ops());
    case kComputeDouble: return run_plan(call, plan, double_ops());
    case kComputeInt64: return run_plan(call, plan, int64_ops());
    default: return run_plan(call, plan, uint64_ops());
  }
}

}  // namespace KG_NS

KG_REGISTER(elementwise, "compute, program...", "constants...");
KG_IN_PLACE(elementwise, may_write_over(call, out, in));
