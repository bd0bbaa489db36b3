// Optimizers: one launch changes up to 48 tensors of a model; rules in optimizer_sgd.cuh and optimizer_adam.cuh, operands in csrc/cpu/optimizer.h.
//
// A block of 256 threads takes a piece of 2048 elements of one tensor. Learning rate and step number are read from memory, so that a
// recorded step follows them; the numbers that follow from them are computed by one thread and shared.
// update: reads g, x and the slots, writes x and the slots. nadam_store: the new u_product, after all updates.
// LAMB: update (moments), lamb_norms (sums of squares of each piece), lamb_join (one block a tensor), lamb_apply.
// Shared memory: the rule, 8 partial sums. Defines: KG_T, KG_RULE. Compiled with -fmad=false: the bits are the CPU's.
#include "optimizer_adam.cuh"
#include "optimizer_sgd.cuh"

namespace kg {

typedef KG_RULE<C> Rule;

#define KG_SHARED_RULE(rule)                   \
  KG_SHARED(Rule, rule, [1]);                  \
  if (thread_index() == 0) rule[0].prepare(p); \
  sync_block()

KG_KERNEL(update, Params, 256) {
  KG_SHARED_RULE(shared);
  const Rule rule = shared[0];
  const Piece piece = own_piece(p);
  const T* g = static_cast<const T*>(p.tensor[0][piece.k]);
  T* const x = static_cast<T*>(p.tensor[1][piece.k]);
  T* const a = static_cast<T*>(p.tensor[2][piece.k]);
  T* const b = static_cast<T*>(p.tensor[3][piece.k]);
  T* const c = static_cast<T*>(p.tensor[4][piece.k]);
  const bool decay = p.weight_decay != 0 && (p.decays >> piece.k & 1);
  for (int64_t i = piece.begin + thread_index(); i < piece.end; i += 256) {
    C xi = widen(x[i]), ai = 0, bi = 0, ci = 0;
    if (decay) xi = xi - xi * rule.weight_decay * rule.rate;
    if constexpr (Rule::slots > 0) ai = widen(a[i]);
    if constexpr (Rule::slots > 1) bi = widen(b[i]);
    if constexpr (Rule::slots > 2) ci = widen(c[i]);
    rule(xi, widen(g[i]), ai, bi, ci);
    x[i] = narrow<T>(xi);
    if constexpr (Rule::slots > 0) a[i] = narrow<T>(ai);
    if constexpr (Rule::slots > 1) b[i] = narrow<T>(bi);
    if constexpr (Rule::slots > 2) c[i] = narrow<T>(ci);
  }
}

#ifdef KG_NADAM
KG_KERNEL(nadam_store, Params, 32) {
  if (thread_index() != 0) return;
  Rule rule;
  rule.prepare(p);
  *static_cast<T*>(p.shared) = narrow<T>(rule.product_t);
}
#endif

#ifdef KG_LAMB
KG_KERNEL(lamb_norms, Params, 256) {
  KG_SHARED_RULE(shared);
  KG_SHARED(double, room, [8]);
  const Rule rule = shared[0];
  const Piece piece = own_piece(p);
  const T* x = static_cast<const T*>(p.tensor[1][piece.k]);
  const T* m = static_cast<const T*>(p.tensor[2][piece.k]);
  const T* v = static_cast<const T*>(p.tensor[3][piece.k]);
  double sx = 0, su = 0;
  for (int64_t i = piece.begin + thread_index(); i < piece.end; i += 256) {
    const double xi = widen(x[i]), u = rule.update(widen(m[i]), widen(v[i]));
    sx += xi * xi;
    su += u * u;
  }
  sx = join_block(sx, room, SumJoin());
  su = join_block(su, room, SumJoin());
  if (thread_index() != 0) return;
  p.partial[2 * (p.first_piece + blockIdx.x)] = sx;
  p.partial[2 * (p.first_piece + blockIdx.x) + 1] = su;
}
// Block k: the sums of tensor k, in place of those of its first piece.
KG_KERNEL(lamb_join, Params, 256) {
  KG_SHARED(double, room, [8]);
  const int k = (int)blockIdx.x;
  double* own = p.partial + 2 * (p.first_piece + p.piece[k]);
  double sx = 0, su = 0;
  for (int q = thread_index(); q < p.piece[k + 1] - p.piece[k]; q += 256) {
    sx += own[2 * q];
    su += own[2 * q + 1];
  }
  sx = join_block(sx, room, SumJoin());
  su = join_block(su, room, SumJoin());
  sync_block();  // all have read
  if (thread_index() == 0 && p.piece[k + 1] > p.piece[k]) {
    own[0] = sx;
    own[1] = su;
  }
}
KG_KERNEL(lamb_apply, Params, 256) {
  KG_SHARED_RULE(shared);
  const Rule rule = shared[0];
  const Piece piece = own_piece(p);
  T* x = static_cast<T*>(p.tensor[1][piece.k]);
  const T* m = static_cast<const T*>(p.tensor[2][piece.k]);
  const T* v = static_cast<const T*>(p.tensor[3][piece.k]);
  const double* sums = p.partial + 2 * (p.first_piece + p.piece[piece.k]);
  const C xn = (C)root(sums[0]), un = (C)root(sums[1]);
  const C rate = (xn > 0 && un > 0 ? xn / un : C(1)) * rule.rate;
  for (int64_t i = piece.begin + thread_index(); i < piece.end; i += 256)
    x[i] = narrow<T>(widen(x[i]) - rate * rule.update(widen(m[i]), widen(v[i])));
}
#endif

}  // namespace kg
