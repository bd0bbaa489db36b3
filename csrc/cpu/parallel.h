// The one way to use threads: parallel_for over a fixed number of chunks.
//
// The caller chooses the chunks from the sizes alone, never from the number of threads, and each chunk writes its own
// part of the output: so results do not depend on how many threads there are or which one takes a chunk.
#pragma once
#include <cstdint>

#include "kernel.h"

namespace kg {

int num_threads();
void set_num_threads(int n);  // >= 1; the calling thread counts as one
// Runs body(context, chunk) for chunk in [0, chunks). Returns when all are done. Nested calls run serially.
void parallel_run(int64_t chunks, void (*body)(void*, int64_t), void* context);

}  // namespace kg

namespace KG_NS {

// body(chunk). Must not throw: check arguments before.
template <class F> void parallel_for(int64_t chunks, const F& body) {
  if (chunks <= 0) return;
  if (chunks == 1) return body(int64_t(0));
  parallel_run(
      chunks, [](void* context, int64_t chunk) { (*static_cast<const F*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// Splits [0, n) into chunks of `grain` elements: body(begin, end). grain should be worth at least about 5 us of work.
template <class F> void parallel_range(int64_t n, int64_t grain, const F& body) {
  if (n <= 0) return;
  if (n <= grain) return body(int64_t(0), n);
  const int64_t chunks = (n + grain - 1) / grain;
  parallel_for(chunks, [&](int64_t c) {
    const int64_t begin = c * grain;
    body(begin, begin + grain < n ? begin + grain : n);
  });
}

}  // namespace KG_NS
