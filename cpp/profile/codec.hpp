#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "error.hpp"
#include "sketch/limits.hpp"
#include "wire/text.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

// Writes values or reads and checks them. So a function `layout(codec, value)` says once which bytes
// a value is: docs/format.md has all layouts. While it writes, a layout changes nothing.
class Codec {
 public:
  explicit Codec(wire::Writer& out) noexcept : out_(&out) {}
  explicit Codec(wire::Reader& in) noexcept : in_(&in) {}
  [[nodiscard]] bool reads() const noexcept { return in_ != nullptr; }

  void u8(std::uint8_t& value) { number(value, &wire::Writer::u8, &wire::Reader::u8); }
  void u64(std::uint64_t& value) { number(value, &wire::Writer::u64, &wire::Reader::u64); }
  void f32(float& value) { number(value, &wire::Writer::f32, &wire::Reader::f32); }
  void f64(double& value) { number(value, &wire::Writer::f64, &wire::Reader::f64); }
  template <std::unsigned_integral T>
  void varint(T& value) {
    std::uint64_t wide = value;
    number(wide, &wire::Writer::varint, &wire::Reader::varint);
    require(static_cast<T>(wide) == wide, "a number is too large");
    if (reads()) value = static_cast<T>(wide);
  }
  void count(std::uint64_t& value) {
    varint(value);
    require(value <= sketch::kMaxCount, "a count above 2^56");
  }
  void zigzag(std::int64_t& value) { number(value, &wire::Writer::zigzag, &wire::Reader::zigzag); }
  // At most `most` bytes of UTF-8.
  void text(std::string& value, std::size_t most = SIZE_MAX) {
    bytes(value, most);
    require(!reads() || wire::is_utf8(value), "a text is not UTF-8");
  }
  // At most `most` bytes of any kind.
  template <class Bytes>
  void bytes(Bytes& value, std::size_t most) {
    if (reads()) {
      const auto data = in_->bytes(in_->varint());
      value.assign(data.begin(), data.end());
    } else {
      out_->varint(value.size());
      out_->bytes({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
    }
    require(value.size() <= most, "a text is too long");
  }
  // If it reads, throws a DecodeError that says `what` is wrong with the bytes, unless `holds`.
  void require(bool holds, const char* what) const {
    if (reads()) wire::require(holds, what);
  }

  // What has a layout, a map of such parts, or what encodes itself and may need a key to be read.
  template <class Part, class... Key>
  void part(Part& value, Key... key) {
    if constexpr (requires { value.layout(*this); }) {
      value.layout(*this);
    } else if constexpr (requires { typename Part::mapped_type; }) {
      map(value, [this](const auto&, auto& mapped) { this->part(mapped); });
    } else if (reads()) {
      value = Part::decode(*in_, key...);
    } else {
      value.encode(*out_);
    }
  }
  // What `each` reads; a DecodeError says of what it is.
  template <class Each>
  static void named(std::string_view kind, std::string_view name, Each&& each) {
    try {
      each();
    } catch (const DecodeError& error) {
      throw DecodeError(std::string(kind) + " '" + std::string(name) + "': " + error.what());
    }
  }

  // What `each` writes or reads, with its length, so that a reader can pass over it.
  template <class Each>
  void sized(Each&& each) {
    if (reads()) {
      wire::Reader body(in_->bytes(in_->varint()));
      Codec codec(body);
      each(codec);
      body.expect_end();
    } else {
      wire::Writer body;
      Codec codec(body);
      each(codec);
      out_->varint(body.size());
      out_->bytes(body.view());
    }
  }

  // How many entries there are, and each; they are read into an empty set, vector or map. Entries
  // must rise, so that equal states have equal bytes.
  template <class Entries, class Each, class Order = std::less<>>
  void list(Entries& entries, Each&& each, Order order = {}) {
    if (!reads()) {
      out_->varint(entries.size());
      for (auto& entry : entries) each(const_cast<std::remove_cvref_t<decltype(entry)>&>(entry));
      return;
    }
    for (std::uint64_t left = in_->varint(); left > 0; --left) {
      auto entry = new_entry<Entries>();
      each(entry);
      require(entries.empty() || order(*std::prev(entries.end()), entry),
              "names or entries are out of order");
      entries.insert(entries.end(), std::move(entry));
    }
  }
  // The same, with a key before each value, which is made of its key where that is a name.
  template <class Map, class Each>
  void map(Map& map, Each&& each) {
    const auto each_entry = [&](auto& entry) {
      auto& [name, value] = entry;
      key(const_cast<typename Map::key_type&>(name));
      if constexpr (std::is_same_v<typename Map::key_type, std::string> &&
                    std::is_constructible_v<typename Map::mapped_type, std::string>) {
        if (reads()) value = typename Map::mapped_type(name);
      }
      each(name, value);
    };
    const auto comes_before = map.key_comp();
    list(map, each_entry,
         [&](const auto& a, const auto& b) { return comes_before(a.first, b.first); });
  }

 private:
  // Of a map with a key that can be read.
  template <class Entries>
  static auto new_entry() {
    if constexpr (requires { typename Entries::mapped_type; }) {
      return std::pair<typename Entries::key_type, typename Entries::mapped_type>();
    } else {
      return typename Entries::value_type();
    }
  }

  template <class T>
  void number(T& value, void (wire::Writer::*write)(T), T (wire::Reader::*read)()) {
    if (reads()) {
      value = (in_->*read)();
    } else {
      (out_->*write)(value);
    }
  }

  void key(std::uint32_t& value) { varint(value); }
  void key(std::uint64_t& value) { u64(value); }
  void key(std::string& value) { text(value); }
  void key(std::vector<std::string>& names) {
    list(names, [this](std::string& name) { text(name); });
  }
  template <class Key>
  void key(Key& value) {
    value.layout(*this);
  }

  wire::Writer* out_ = nullptr;
  wire::Reader* in_ = nullptr;
};

}  // namespace lightmeter::profile
