#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bindings.hpp"
#include "meaning.hpp"

// Roles and origins by the names that lightmeter/features.py has for them, in their own order.
inline constexpr std::array<std::string_view, 11> kRoleNames{
    "plain",  "category",     "date",    "angle spread", "linear angle", "angle",
    "pixels", "angle pixels", "failure", "hash",         "vector"};
static_assert(kRoleNames.size() == static_cast<std::size_t>(lightmeter::kLastRole) + 1);
inline constexpr std::array<std::string_view, 4> kOriginNames{"value", "image", "exif",
                                                              "personal exif"};

template <class Value, std::size_t N>
Value value_of(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at != names.end()) return static_cast<Value>(at - names.begin());
  std::string known;
  for (const std::string_view each : names) known.append(known.empty() ? "" : ", ").append(each);
  throw std::invalid_argument("got '" + std::string(name) + "'; expected one of " + known);
}

// The sets of metrics, in the order of measure::Set.
inline constexpr std::array<std::string_view, 4> kSets{"whylogs", "default", "camera", "all"};

inline lightmeter::Origin origin_of(std::string_view name) {
  return value_of<lightmeter::Origin>(kOriginNames, name);
}

inline lightmeter::Meaning meaning_of(std::string_view role, std::string_view origin) {
  return {value_of<lightmeter::Role>(kRoleNames, role), origin_of(origin)};
}

// The same as Python has it, which is made once.
template <class Value, std::size_t N>
py::handle text_of(const std::array<std::string_view, N>& names, Value value) {
  static const auto texts = [&] {
    std::array<PyObject*, N> made;
    std::ranges::transform(names, made.begin(), [](std::string_view name) {
      return PyUnicode_InternFromString(std::string(name).c_str());
    });
    return made;
  }();
  return texts.at(static_cast<std::size_t>(value));
}
