// The instructions of "elementwise" for computations in double.
#include "elementwise.h"
#include "elementwise_ops.h"

namespace KG_NS {
namespace {

struct DoubleMemory {
  static vd load(const double* p) { return KG_NS::load<vd>(p); }
  static vd load_n(const double* p, int64_t n) {
    vd v = {};
    std::memcpy(&v, p, static_cast<size_t>(n) * 8);
    return v;
  }
  static void store(double* p, vd v) { KG_NS::store(p, v); }
  static void store_n(double* p, vd v, int64_t n) { std::memcpy(p, &v, static_cast<size_t>(n) * 8); }
};

using Loop = VectorLoop<vd, double, DoubleMemory>;
using Ops = FloatOps<vd>;
const OpTable<double> kTable = KG_OP_TABLE(double);

}  // namespace

const OpTable<double>& double_ops() { return kTable; }

}  // namespace KG_NS
