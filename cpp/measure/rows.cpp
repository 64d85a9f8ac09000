#include "measure/rows.hpp"

namespace lightmeter::measure {

const Rows& rows_of(const kernels::Kernels& tier) noexcept {
  if (&tier == kernels::kHaswell) return *kRowsHaswell;
  if (&tier == kernels::kNeon) return *kRowsNeon;
  return *kRowsScalar;
}

}  // namespace lightmeter::measure
