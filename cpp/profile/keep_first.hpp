#pragma once

#include <cstddef>
#include <iterator>

namespace lightmeter::profile {

// Leaves the first entries of a std::set or std::map.
template <class Entries>
void keep_first(Entries& entries, std::size_t count) {
  while (entries.size() > count) entries.erase(std::prev(entries.end()));
}

}  // namespace lightmeter::profile
