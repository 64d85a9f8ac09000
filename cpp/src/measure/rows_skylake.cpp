#include "measure/rows.hpp"

#if defined(__x86_64__)
#include "kernels/skylake_begin.hpp"

namespace lightmeter::measure {
namespace rows_skylake {
#include "measure/rows.inl"
}  // namespace rows_skylake

const Rows* const kRowsSkylake = &rows_skylake::kTable;

}  // namespace lightmeter::measure

#include "kernels/skylake_end.hpp"

#else

namespace lightmeter::measure {
const Rows* const kRowsSkylake = nullptr;
}

#endif
