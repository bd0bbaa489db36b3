// Memory that a later kernel will read, asked for by threads that wait for work (parallel.cpp).
#pragma once
#include <cstdint>

namespace kg {

// The threads bring the rows nearer a piece at a time until the next job comes. Only a wish: the newest replaces what is left of the one
// before, rows past kMostWishes are forgotten, and the memory is not accessed, so it may even be gone by then.
constexpr int64_t kMostWishes = 256;
void prefetch_later(const char* const* rows, int64_t count, int64_t bytes);

}  // namespace kg
