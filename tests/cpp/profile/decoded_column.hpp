#pragma once

#include <string_view>

#include "profile/column.hpp"

namespace lightmeter::profile {

inline Column decoded_column(wire::Reader& in, std::string_view name) {
  Column column(name);
  Codec codec(in);
  column.layout(codec);
  return column;
}

}  // namespace lightmeter::profile
