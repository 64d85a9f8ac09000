#include "measure/rows.hpp"

#if defined(__x86_64__)
#include "kernels/haswell_begin.hpp"

namespace lightmeter::measure {
namespace rows_haswell {
#include "measure/rows.inl"
}  // namespace rows_haswell

const Rows* const kRowsHaswell = &rows_haswell::kTable;

}  // namespace lightmeter::measure

#include "kernels/haswell_end.hpp"

#else

namespace lightmeter::measure {
const Rows* const kRowsHaswell = nullptr;
}

#endif
