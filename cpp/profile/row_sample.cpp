#include "profile/row_sample.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "sketch/mix.hpp"

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

void RowSample::keep(std::size_t count) { rows_.keep(count, kMaxKeep, "rows"); }

void RowSample::add(const Numbers& numbers) {
  Numbers row;
  for (const auto& [name, value] : numbers) {
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
  if (last_ == nullptr || *last_ != names) last_ = std::make_shared<const Names>(std::move(names));
  rounded.names = last_;
  rows_.add(std::move(rounded));
}

RowSample::Tables RowSample::tables() const {
  Tables tables;
  for (const Row& row : rows_.entries()) tables[*row.names].push_back(row);
  return tables;
}

void RowSample::layout(Codec& codec) {
  rows_.layout_most(codec, kMaxKeep);
  Tables tables = this->tables();
  std::size_t count = 0;
  codec.map(tables, [&](const Names& names, std::vector<Row>& rows) {
    codec.require(!names.empty() && names.size() <= kMaxNumbers, "a row of no or too many numbers");
    const auto shared_names = std::make_shared<const Names>(names);
    const auto layout_row = [&](Row& row) {
      codec.u64(row.hash);
      row.names = shared_names;
      row.values.resize(names.size());
      for (std::size_t i = 0; i < names.size(); ++i) {
        float& value = row.values[i];
        codec.f32(value);
        codec.require(is_kept(names[i], value) && !(value == 0.0F && std::signbit(value)),
                      "a name is too long, or a value is not finite, or is -0");
      }
    };
    codec.list(rows, layout_row, ByHash());
    codec.require(!rows.empty(), "names of no row");
    count += rows.size();
    if (!codec.reads()) return;
    for (Row& row : rows) rows_.add(std::move(row));
  });
  codec.require(count == rows_.entries().size(), "rows twice, or more than are kept");
}

}  // namespace lightmeter::profile
