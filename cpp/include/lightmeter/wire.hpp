#pragma once

// The file format, of which callers need to know no more; see src/wire/wire.hpp.
namespace lightmeter::wire {
class Reader;
class Writer;
}  // namespace lightmeter::wire
