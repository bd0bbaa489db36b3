// The table of tile kernels; see gemm_micro.h.
#include "gemm_micro.h"

namespace KG_NS {
namespace {

template <class S, int V, bool kAcross, bool kPart, int... R>
Micro<S> of_rows(int rows, std::integer_sequence<int, R...>) {
  static constexpr Micro<S> table[] = {&micro<S, R + 1, V, kAcross, kPart>...};
  return table[rows - 1];
}

template <class S, bool kAcross, bool kPart> Micro<S> of_shape(int rows, int vectors) {
  switch (vectors) {
    case 1: return of_rows<S, 1, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(1)>{});
    case 2: return of_rows<S, 2, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(2)>{});
    case 3: return of_rows<S, 3, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(3)>{});
    case 4: return of_rows<S, 4, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(4)>{});
    case 5: return of_rows<S, 5, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(5)>{});
    case 6: return of_rows<S, 6, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(6)>{});
    case 7: return of_rows<S, 7, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(7)>{});
    default: return of_rows<S, 8, kAcross, kPart>(rows, std::make_integer_sequence<int, rows_for(8)>{});
  }
}

}  // namespace

template <class S> Micro<S> find_micro(int rows, int vectors, bool across, bool part) {
#if defined(__AVX512F__)
  (void)part;  // masked loads and stores cost nothing here, so there is no version without them
#else
  if (!part) return across ? of_shape<S, true, false>(rows, vectors) : of_shape<S, false, false>(rows, vectors);
#endif
  return across ? of_shape<S, true, true>(rows, vectors) : of_shape<S, false, true>(rows, vectors);
}

template Micro<float> find_micro<float>(int, int, bool, bool);
template Micro<double> find_micro<double>(int, int, bool, bool);

}  // namespace KG_NS
