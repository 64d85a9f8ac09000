#pragma once

#include <string>

#include "bindings.hpp"
#include "profile/profile.hpp"

// KeyError if there is no such column.
inline const lightmeter::profile::Column& column_of(const lightmeter::profile::Profile& profile,
                                                    const std::string& name) {
  const auto* column = profile.find(name);
  if (column == nullptr) throw py::key_error(name);
  return *column;
}
