#include "sketch/exact_sums.hpp"

#include <algorithm>

#include "error.hpp"
#include "wire/wire.hpp"

namespace lightmeter::sketch {

namespace {

constexpr std::uint64_t sign_of(std::uint64_t limb) noexcept { return limb >> 63 != 0 ? ~0ULL : 0; }

}  // namespace

// What is not kept is 0 below, and the sign above.
std::uint64_t ExactSums::limb(std::size_t i, std::size_t place) const noexcept {
  if (place < first_ || width_ == 0) return 0;
  const std::uint64_t* const own = limbs_.data() + i * width_;
  return place < first_ + width_ ? own[place - first_] : sign_of(own[width_ - 1]);
}

void ExactSums::keep(std::size_t first, std::size_t end) {
  end = std::min(end, kLimbs);
  if (width_ > 0) {
    if (first >= first_ && end <= first_ + width_) return;
    first = std::min(first, first_);
    end = std::max(end, first_ + width_);
  }
  std::vector<std::uint64_t> wider(size_ * (end - first));
  for (std::size_t i = 0; i < size_; ++i) {
    for (std::size_t place = first; place < end; ++place) {
      wider[i * (end - first) + place - first] = limb(i, place);
    }
  }
  limbs_ = std::move(wider);
  first_ = first;
  width_ = end - first;
}

// Whether adding a number that fits could carry into the sign.
bool ExactSums::is_full(std::size_t i) const noexcept {
  const std::uint64_t top = limbs_[i * width_ + width_ - 1];
  return (top ^ (top << 1)) >> 63 != 0;
}

void ExactSums::add_at(std::size_t i, std::size_t place, std::uint64_t low,
                       std::uint64_t high) noexcept {
  std::uint64_t* const own = limbs_.data() + i * width_;
  std::uint64_t carry = 0;
  const std::uint64_t sign = sign_of(high);
  for (std::size_t at = place - first_; at < width_; ++at) {
    const std::size_t step = at - (place - first_);
    const std::uint64_t addend = step == 0 ? low : step == 1 ? high : sign;
    const std::uint64_t sum = own[at] + addend;
    const std::uint64_t next = sum + carry;
    carry = static_cast<std::uint64_t>(sum < addend) | static_cast<std::uint64_t>(next < sum);
    own[at] = next;
  }
}

void ExactSums::add(std::size_t i, std::int64_t amount, int exponent) {
  if (amount == 0) return;
  const auto bit = static_cast<std::size_t>(exponent - kQuantum);
  const std::size_t place = bit / 64;
  const std::size_t shift = bit % 64;
  const auto value = static_cast<std::uint64_t>(amount);
  const std::uint64_t low = value << shift;
  // The upper half of the 128 bits, with the sign: a shift by 64 - shift in two steps.
  const auto high = static_cast<std::uint64_t>((amount >> 1) >> (63 - shift));
  keep(place, place + 3);
  if (is_full(i)) keep(first_, first_ + width_ + 1);
  add_at(i, place, low, high);
}

void ExactSums::merge(const ExactSums& other) {
  if (other.width_ == 0) return;
  // One limb more than either side needs, for what is carried.
  keep(other.first_, other.first_ + other.width_);
  for (std::size_t i = 0; i < size_; ++i) {
    if (is_full(i) || other.is_full(i)) {
      keep(first_, first_ + width_ + 1);
      break;
    }
  }
  for (std::size_t i = 0; i < size_; ++i) {
    std::uint64_t* const own = limbs_.data() + i * width_;
    std::uint64_t carry = 0;
    for (std::size_t at = 0; at < width_; ++at) {
      const std::uint64_t addend = other.limb(i, first_ + at);
      const std::uint64_t sum = own[at] + addend;
      const std::uint64_t next = sum + carry;
      carry = static_cast<std::uint64_t>(sum < addend) | static_cast<std::uint64_t>(next < sum);
      own[at] = next;
    }
  }
}

std::array<std::uint8_t, ExactSums::kBytes> ExactSums::bytes(std::size_t i) const {
  std::array<std::uint8_t, kBytes> result{};
  for (std::size_t place = 0; place < kLimbs; ++place) {
    const std::uint64_t value = limb(i, place);
    for (std::size_t byte = 0; byte < 8; ++byte) {
      result[8 * place + byte] = static_cast<std::uint8_t>(value >> (8 * byte));
    }
  }
  return result;
}

ExactSums ExactSums::picked(std::span<const std::size_t> places) const {
  ExactSums some(places.size());
  some.first_ = first_;
  some.width_ = width_;
  for (const std::size_t place : places) {
    const auto begin = limbs_.begin() + static_cast<std::ptrdiff_t>(place * width_);
    some.limbs_.insert(some.limbs_.end(), begin, begin + static_cast<std::ptrdiff_t>(width_));
  }
  return some;
}

void ExactSums::encode(wire::Writer& out) const {
  for (std::size_t i = 0; i < size_; ++i) {
    const auto all = bytes(i);
    const std::uint8_t sign = all.back() >= 0x80 ? 0xFF : 0;
    std::size_t end = kBytes;
    // A byte of the sign says nothing if the one below it has that sign too.
    while (end > 1 && all[end - 1] == sign && (all[end - 2] >= 0x80) == (sign != 0)) --end;
    std::size_t low = 0;
    while (low < end && all[low] == 0) ++low;
    out.u8(static_cast<std::uint8_t>(end - low));
    if (low == end) continue;
    out.u8(static_cast<std::uint8_t>(low));
    out.bytes(std::span(all).subspan(low, end - low));
  }
}

ExactSums ExactSums::decode(wire::Reader& in, std::size_t size) {
  ExactSums sums(size);
  std::vector<std::array<std::uint64_t, kLimbs>> all(size);
  std::size_t first = kLimbs;
  std::size_t end = 0;
  for (auto& limbs : all) {
    const std::size_t count = in.u8();
    if (count == 0) continue;
    const std::size_t low = in.u8();
    if (count > kBytes || low > kBytes - count) throw DecodeError("a sum of too many bits");
    const auto data = in.bytes(count);
    const std::uint8_t sign = data.back() >= 0x80 ? 0xFF : 0;
    const bool is_longer =
        count > 1 && data.back() == sign && (data[count - 2] >= 0x80) == (sign != 0);
    if (data.front() == 0 || is_longer) throw DecodeError("a sum of more bytes than it needs");
    for (std::size_t byte = low; byte < kBytes; ++byte) {
      const std::uint64_t value = byte < low + count ? data[byte - low] : sign;
      limbs[byte / 8] |= value << (8 * (byte % 8));
    }
    first = std::min(first, low / 8);
    end = std::max(end, (low + count + 7) / 8);
  }
  if (end == 0) return sums;
  sums.keep(first, end);
  for (std::size_t i = 0; i < size; ++i) {
    std::copy_n(all[i].begin() + static_cast<std::ptrdiff_t>(first), end - first,
                sums.limbs_.begin() + static_cast<std::ptrdiff_t>(i * sums.width_));
  }
  return sums;
}

}  // namespace lightmeter::sketch
