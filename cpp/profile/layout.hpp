#pragma once

#include <concepts>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "error.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

// A function `layout(io, value)` says once which bytes a value is. With a Packer it writes them,
// with an Unpacker it reads and checks them, so that the two cannot differ.
struct Packer {
  static constexpr bool kReads = false;
  wire::Writer& out;

  void u8(std::uint8_t value) const { out.u8(value); }
  void u64(std::uint64_t value) const { out.u64(value); }
  void f32(float value) const { out.f32(value); }
  void f64(double value) const { out.f64(value); }
  void varint(std::uint64_t value) const { out.varint(value); }
  void zigzag(std::int64_t value) const { out.zigzag(value); }
  void text(std::string_view value) const { out.string(value); }
  // Any bytes, with their length.
  template <class Bytes>
  void bytes(const Bytes& value) const {
    out.varint(value.size());
    out.bytes({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  }
  // What has a layout of its own, which may need its name.
  template <class Part, class... Name>
  void part(const Part& value, const Name&...) const {
    value.encode(out);
  }
  // How many entries there are, and each.
  template <class Entries, class Each>
  void list(const Entries& entries, std::uint64_t, const auto&, Each&& each) const {
    out.varint(entries.size());
    for (const auto& entry : entries) each(entry);
  }
  void require(bool, const auto&) const {}
};

struct Unpacker {
  static constexpr bool kReads = true;
  wire::Reader& in;

  void u8(std::uint8_t& value) const { value = in.u8(); }
  void u64(std::uint64_t& value) const { value = in.u64(); }
  void f32(float& value) const { value = in.f32(); }
  void f64(double& value) const { value = in.f64(); }
  void varint(std::uint64_t& value) const { value = in.varint(); }
  void zigzag(std::int64_t& value) const { value = in.zigzag(); }
  void text(std::string& value) const { value = in.string(); }
  template <class Bytes>
  void bytes(Bytes& value) const {
    const auto read = in.bytes(in.varint());
    value.assign(read.begin(), read.end());
  }
  template <class Part, class... Name>
  void part(Part& value, const Name&... name) const {
    value = Part::decode(in, name...);
  }
  // Into an empty std::set, std::map or std::vector, in whose order entries must rise, so that equal
  // states have equal bytes. Each takes at least `bits_each` bits. `not_rising` is what the
  // DecodeError says, or a function of an entry that returns it, as it may be for require().
  template <class Entries, class What, class Each>
  void list(Entries& entries, std::uint64_t bits_each, const What& not_rising, Each&& each) const {
    for (std::uint64_t left = in.count(bits_each); left > 0; --left) {
      auto entry = entry_of(entries);
      each(entry);
      require(entries.empty() || is_less(entries, *std::prev(entries.end()), entry), not_rising,
              entry);
      entries.insert(entries.end(), std::move(entry));
    }
  }
  template <class What, class... Entry>
  void require(bool holds, const What& what, const Entry&... entry) const {
    if (holds) return;
    if constexpr (std::convertible_to<What, const char*>) {
      throw DecodeError(what);
    } else {
      throw DecodeError(what(entry...));
    }
  }

 private:
  template <class Entries>
  static auto entry_of(const Entries&) {
    if constexpr (requires { typename Entries::mapped_type; }) {
      return std::pair<typename Entries::key_type, typename Entries::mapped_type>();
    } else {
      return typename Entries::value_type();
    }
  }
  template <class Entries>
  static bool is_less(const Entries& entries, const auto& a, const auto& b) {
    if constexpr (requires { typename Entries::mapped_type; }) {
      return entries.key_comp()(a.first, b.first);
    } else if constexpr (requires { entries.value_comp(); }) {
      return entries.value_comp()(a, b);
    } else {
      return a < b;
    }
  }
};

// `decode` of a class with a layout.
template <class Value>
[[nodiscard]] Value unpacked(wire::Reader& in) {
  Value value;
  Value::layout(Unpacker{in}, value);
  return value;
}

}  // namespace lightmeter::profile
