// The data set's side of a recorded step: batches are gathered, converted, and results stored at a cursor in memory.
//
// gather_rows  in: data (rows, inner), perm int64 (total), cursor int64 (1); out: batch (b, inner)
//              batch[i] = data[perm[cursor + i]], converted to the batch's dtype.   ints: rows, inner, total, b
//              Conversions: uint8, int32, int64, float32, float64 to float32, int32 or int64; any dtype to itself.
// store_rows   in: batch (b, inner), cursor int64 (1); out: all (rows, inner), all[cursor + i] = batch[i]; rows past the end of
//              `all` are dropped (the padding of the last batch).   ints: rows, inner, b
//
// All indices are checked before anything is written. Threads take fixed ranges of rows.
#include "movement.h"
#include "numeric.h"
#include "prefetch.h"

namespace KG_NS {
namespace {

// Rows come from all over memory, so a few kilobytes are worth a thread's time, and the next row is asked for early.
KG_INTS(GatherRowsInts, rows, inner, total, batch);
KG_INTS(StoreRowsInts, rows, inner, batch);

constexpr int64_t kGatherGrain = 16384;
inline void prefetch_row(const char* row, int64_t bytes) {
  for (int64_t k = 0; k < bytes && k < 8192; k += 64) __builtin_prefetch(row + k);
}

// The rows of the next batch, for threads that have nothing to do until then.
constexpr int64_t kLeastData = 1 << 22;  // bytes: less is in a cache anyway
void wish_for_next(const Call& call, const int64_t* next, int64_t count) {
  const auto p = ints<GatherRowsInts>(call);
  const int64_t rows = p.rows, bytes = p.inner * dtype_size(call.in[0].dtype);
  if (rows * bytes < kLeastData || bytes < 64 || bytes > 32768) return;
  const char* wanted[kMostWishes];
  int64_t known = 0;
  for (int64_t k = 0; k < count && known < kMostWishes; ++k)
    if (next[k] >= 0 && next[k] < rows) wanted[known++] = static_cast<const char*>(call.in[0].data) + next[k] * bytes;
  prefetch_later(wanted, known, bytes);
}

template <class From, class To> inline To convert(From x) {
  if constexpr (is_float<From> && !is_float<To>) {
    return from_double<To>(static_cast<double>(x));
  } else {
    return static_cast<To>(x);
  }
}

struct Batch {
  const int64_t* pick;  // the rows to read
  int64_t rows, inner;
};

template <class From, class To> void gather_converted(const From* data, To* out, const Batch& b) {
  parallel_range(b.rows, std::max<int64_t>(1, (1 << 14) / b.inner), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const From* from = data + b.pick[r] * b.inner;
      To* to = out + r * b.inner;
      for (int64_t k = 0; k < b.inner; ++k) to[k] = convert<From, To>(from[k]);
    }
  });
}

template <class From> void gather_to(const Call& call, const From* data, const Batch& b) {
  switch (call.out[0].dtype) {
    case kF32: return gather_converted(data, static_cast<float*>(call.out[0].data), b);
    case kI32: return gather_converted(data, static_cast<int32_t*>(call.out[0].data), b);
    case kI64: return gather_converted(data, static_cast<int64_t*>(call.out[0].data), b);
    default: fail_dtype(call, "output", 0, call.out[0].dtype, "float32, int32, int64 or the dtype of the data");
  }
}

void expect_items(const Call& call, const Buffer& b, const char* what, int64_t count) {
  const int64_t have = b.bytes / dtype_size(b.dtype);
  if (have < count) fail(call, what, have, count);
}

void gather(const Call& call, const Batch& batch) {
  const DType from = call.in[0].dtype;
  if (from == call.out[0].dtype) {
    const int64_t bytes = batch.inner * item_size(call);
    const char* data = static_cast<const char*>(call.in[0].data);
    char* out = static_cast<char*>(call.out[0].data);
    return parallel_range(batch.rows, std::max<int64_t>(1, kGatherGrain / bytes), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        if (r + 1 < end) prefetch_row(data + batch.pick[r + 1] * bytes, bytes);
        std::memcpy(out + r * bytes, data + batch.pick[r] * bytes, static_cast<size_t>(bytes));
      }
    });
  }
  switch (from) {
    case kU8: return gather_to(call, static_cast<const uint8_t*>(call.in[0].data), batch);
    case kI32: return gather_to(call, static_cast<const int32_t*>(call.in[0].data), batch);
    case kI64: return gather_to(call, static_cast<const int64_t*>(call.in[0].data), batch);
    case kF32: return gather_to(call, static_cast<const float*>(call.in[0].data), batch);
    case kF64: return gather_to(call, static_cast<const double*>(call.in[0].data), batch);
    default: fail_dtype(call, "input", 0, from, "uint8, int32, int64, float32, float64 or the dtype of the output");
  }
}

}  // namespace

void gather_rows(const Call& call) {
  expect(call, 3, 1, 4, 0);
  const auto p = ints<GatherRowsInts>(call);
  const int64_t rows = p.rows, inner = p.inner, total = p.total, b = p.batch;
  expect_items(call, call.in[0], "input elements", checked_mul(call, rows, inner));
  expect_items(call, call.out[0], "output elements", checked_mul(call, b, inner));
  const int64_t* perm = input<int64_t>(call, 1, total);
  const int64_t cursor = *input<int64_t>(call, 2, 1);
  if (cursor < 0 || b > total || cursor > total - b) fail(call, "cursor", cursor, total - b);
  const Batch batch{perm + cursor, b, inner};
  for (int64_t k = 0; k < b; ++k)
    if (batch.pick[k] < 0 || batch.pick[k] >= rows) fail_message(call, "an index of the permutation is outside the data");
  if (b * inner == 0) return;
  gather(call, batch);
  const int64_t left = total - b - cursor;
  wish_for_next(call, perm + cursor + b, left < b ? left : b);
}

void store_rows(const Call& call) {
  expect(call, 2, 1, 3, 0);
  const auto p = ints<StoreRowsInts>(call);
  const int64_t rows = p.rows, inner = p.inner, b = p.batch;
  const char* in = raw_input(call, 0, checked_mul(call, b, inner));
  char* out = raw_output(call, 0, checked_mul(call, rows, inner));
  const int64_t cursor = *input<int64_t>(call, 1, 1);
  if (cursor < 0 || cursor > rows) fail(call, "cursor", cursor, rows);
  const int64_t bytes = inner * item_size(call);
  copy_rows(in, 0, out + cursor * bytes, 0, 1, std::min(b, rows - cursor) * bytes);
}

}  // namespace KG_NS

KG_REGISTER(gather_rows, GatherRowsInts::names);
KG_REGISTER(store_rows, StoreRowsInts::names);
