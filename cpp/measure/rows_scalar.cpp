#include "measure/rows.hpp"

namespace lightmeter::measure {
namespace rows_scalar {
#include "measure/rows.inl"
}  // namespace rows_scalar

const Rows* const kRowsScalar = &rows_scalar::kTable;

}  // namespace lightmeter::measure
