#include "profile/row_sample.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "profile/layout.hpp"
#include "sketch/mix.hpp"
#include "wire/text.hpp"

namespace lightmeter::profile {

namespace {

using Number = std::pair<std::string_view, double>;

bool is_kept(const Number& number) {
  return number.first.size() <= RowSample::kMaxName &&
         std::abs(number.second) <= std::numeric_limits<float>::max();  // so is no NaN
}

// Of the values before they are rounded.
std::uint64_t hash_of(std::span<const Number> row) {
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

void RowSample::add(std::span<const Number> numbers) {
  for (const auto& [name, value] : numbers) wire::check_text(name);
  std::vector<Number> row(numbers.begin(), numbers.end());
  std::ranges::sort(row, {}, &Number::first);
  const auto twice = std::adjacent_find(
      row.begin(), row.end(), [](const Number& a, const Number& b) { return a.first == b.first; });
  if (twice != row.end()) {
    throw std::invalid_argument("got two numbers called " + std::string(twice->first) +
                                "; expected one");
  }
  std::erase_if(row, [](const Number& number) { return !is_kept(number); });
  if (row.size() > kMaxNumbers) row.resize(kMaxNumbers);
  if (row.empty()) return;
  for (auto& [name, value] : row) value += 0.0;  // -0.0 is 0.0
  Row rounded{hash_of(row)};
  if (!rows_.takes(rounded)) return;
  Names names;
  for (const auto& [name, value] : row) {
    names.emplace_back(name);
    rounded.values.push_back(static_cast<float>(value) + 0.0F);  // which may round to -0
  }
  rounded.names = shared(std::move(names));
  rows_.add(std::move(rounded));
}

void RowSample::merge(const RowSample& other) {
  rows_.merge(other.rows_,
              [this](const Row& row) { return Row{row.hash, shared(*row.names), row.values}; });
}

std::shared_ptr<const RowSample::Names> RowSample::shared(Names names) {
  if (last_ == nullptr || *last_ != names) last_ = std::make_shared<const Names>(std::move(names));
  return last_;
}

// varint keep
// varint lists of names | each, rising: varint names | each, rising: text name
// varint rows | each, by rising hash: u64 hash | varint which list | f32 value of each name
// Every list is that of a row.
template <class Io, class Self>
void RowSample::layout(Io io, Self& self) {
  std::uint64_t keep = self.keep();
  io.varint(keep);
  io.require(keep > 0 && keep <= kMaxKeep, "rows of the profile: keeps none or too many");
  if constexpr (Io::kReads) self.keep(static_cast<std::size_t>(keep));
  std::set<Names> lists;
  for (const Row& row : self.rows()) lists.insert(*row.names);
  io.list(lists, 24, "rows of the profile: lists of names are out of order", [&](auto& names) {
    io.list(names, 8, "rows of the profile: names are out of order", [&](auto& name) {
      io.text(name);
      io.require(name.size() <= kMaxName, "rows of the profile: a name is too long");
    });
    io.require(!names.empty() && names.size() <= kMaxNumbers,
               "rows of the profile: a row of no or too many numbers");
  });
  io.require(lists.size() <= keep, "rows of the profile: more lists of names than rows");
  std::vector<std::shared_ptr<const Names>> shared;
  for (const Names& names : lists) shared.push_back(std::make_shared<const Names>(names));
  const auto names_of = [](const auto& names) -> const Names& { return *names; };
  self.rows_.layout(
      io, self.rows_, 104, "rows of the profile: more than it keeps",
      "rows of the profile: hashes are out of order", [&](auto& row) {
        std::uint64_t which = 0;
        if constexpr (!Io::kReads) {
          which = static_cast<std::uint64_t>(
              std::ranges::lower_bound(shared, *row.names, {}, names_of) - shared.begin());
        }
        io.u64(row.hash);
        io.varint(which);
        io.require(which < shared.size(), "rows of the profile: a row without names");
        if constexpr (Io::kReads) {
          row.names = shared[which];
          row.values.resize(row.names->size());
        }
        for (auto& value : row.values) {
          io.f32(value);
          io.require(std::isfinite(value) && !(value == 0.0F && std::signbit(value)),
                     "rows of the profile: a value is not finite, or is -0");
        }
      });
  io.require(std::ranges::all_of(shared, [](const auto& names) { return names.use_count() > 1; }),
             "rows of the profile: names of no row");
}

void RowSample::encode(wire::Writer& out) const { layout(Packer{out}, *this); }

RowSample RowSample::decode(wire::Reader& in) { return unpacked<RowSample>(in); }

}  // namespace lightmeter::profile
