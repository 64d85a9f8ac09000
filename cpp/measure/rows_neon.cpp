#include "measure/rows.hpp"

namespace lightmeter::measure {

#if defined(__aarch64__)
namespace rows_neon {
#include "measure/rows.inl"
}  // namespace rows_neon

const Rows* const kRowsNeon = &rows_neon::kTable;
#else
const Rows* const kRowsNeon = nullptr;
#endif

}  // namespace lightmeter::measure
