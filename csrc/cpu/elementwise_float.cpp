// The instructions of "elementwise" for computations in float.
#include "elementwise.h"
#include "elementwise_ops.h"

namespace KG_NS {
namespace {

struct FloatMemory {
  static vf load(const float* p) { return vload(p); }
  static vf load_n(const float* p, int64_t n) { return vload_n(p, n); }
  static void store(float* p, vf v) { vstore(p, v); }
  static void store_n(float* p, vf v, int64_t n) { vstore_n(p, v, n); }
};

using Loop = VectorLoop<vf, float, FloatMemory>;
using Ops = FloatOps<vf>;
const OpTable<float> kTable = KG_OP_TABLE(float);

}  // namespace

const OpTable<float>& float_ops() { return kTable; }

}  // namespace KG_NS
