#include "profile/row_sample.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "sketch/mix.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

namespace {

bool is_kept(std::string_view name, double value) {
  return name.size() <= RowSample::kMaxName &&
         std::abs(value) <= std::numeric_limits<float>::max();  // so is no NaN
}

// Of the values before they are rounded.
std::uint64_t hash_of(const RowSample::Numbers& row) {
  std::uint64_t hash = sketch::mix(0, row.size());
  for (const auto& [name, value] : row) {
    hash = sketch::mix(hash, name);
    hash = sketch::mix(hash, std::bit_cast<std::uint64_t>(value));
  }
  return hash;
}

}  // namespace

void RowSample::keep(std::size_t count) {
  if (count > kMaxKeep) {
    throw std::invalid_argument("rows is " + std::to_string(count) + "; expected 0 to " +
                                std::to_string(kMaxKeep));
  }
  rows_.limit(count);
}

void RowSample::add(const Numbers& numbers) {
  Numbers row;
  for (const auto& [name, value] : numbers) {
    wire::check_text(name);
    if (row.size() == kMaxNumbers || !is_kept(name, value)) continue;
    row.emplace_hint(row.end(), name, value + 0.0);  // -0.0 is 0.0
  }
  if (row.empty()) return;
  Row rounded{hash_of(row)};
  if (!rows_.takes(rounded)) return;
  Names names;
  for (const auto& [name, value] : row) {
    names.emplace_back(name);
    rounded.values.push_back(static_cast<float>(value) + 0.0F);  // which may round to -0
  }
  rounded.names = shared(std::make_shared<const Names>(std::move(names)));
  rows_.add(std::move(rounded));
}

void RowSample::merge(const RowSample& other) {
  rows_.merge(other.rows_,
              [this](const Row& row) { return Row{row.hash, shared(row.names), row.values}; });
}

const std::shared_ptr<const RowSample::Names>& RowSample::shared(
    const std::shared_ptr<const Names>& names) {
  if (last_ == nullptr || (last_ != names && *last_ != *names)) last_ = names;
  return last_;
}

void RowSample::layout(Codec& codec) {
  std::uint64_t keep = this->keep();
  codec.varint(keep);
  codec.require(keep > 0 && keep <= kMaxKeep, "keeps no rows, or too many");
  if (codec.reads()) rows_.limit(static_cast<std::size_t>(keep));
  std::vector<std::shared_ptr<const Names>> lists;
  const auto is_less = [](const auto& a, const auto& b) { return *a < *b; };
  const auto place_of = [&](const Row& row) {
    return std::lower_bound(lists.begin(), lists.end(), row.names, is_less);
  };
  for (const Row& row : rows()) {
    const auto place = place_of(row);
    if (place == lists.end() || **place != *row.names) lists.insert(place, row.names);
  }
  const auto layout_names = [&](std::shared_ptr<const Names>& list) {
    Names names = codec.reads() ? Names() : *list;
    codec.list(names, [&](std::string& name) {
      codec.text(name);
      codec.require(name.size() <= kMaxName, "a name is too long");
    });
    codec.require(!names.empty() && names.size() <= kMaxNumbers, "a row of no or too many numbers");
    if (codec.reads()) list = std::make_shared<const Names>(std::move(names));
  };
  codec.list(lists, layout_names, is_less);
  rows_.layout(codec, [&](Row& row) {
    auto which = static_cast<std::uint64_t>(codec.reads() ? 0 : place_of(row) - lists.begin());
    codec.u64(row.hash);
    codec.varint(which);
    codec.require(which < lists.size(), "a row without names");
    if (codec.reads()) {
      row.names = lists[which];
      row.values.resize(row.names->size());
    }
    for (float& value : row.values) {
      codec.f32(value);
      codec.require(std::isfinite(value) && !(value == 0.0F && std::signbit(value)),
                    "a value is not finite, or is -0");
    }
  });
  for (const auto& names : lists) codec.require(names.use_count() > 1, "names of no row");
}

}  // namespace lightmeter::profile
