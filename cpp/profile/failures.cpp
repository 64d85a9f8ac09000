#include "profile/failures.hpp"

#include <iterator>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "error.hpp"
#include "wire/text.hpp"
#include "wire/wire.hpp"

namespace lightmeter::profile {

namespace {

constexpr std::string_view kCut = "...";

}  // namespace

bool Failures::Order::operator()(const Failure& a, const Failure& b) const noexcept {
  return std::tuple(a.path.empty(), std::string_view(a.path), std::string_view(a.reason),
                    std::string_view(a.detail)) <
         std::tuple(b.path.empty(), std::string_view(b.path), std::string_view(b.reason),
                    std::string_view(b.detail));
}

void Failures::add(Failure failure) {
  if (failure.path.size() > kMaxPath) {
    failure.path.replace(0, failure.path.size() - kMaxPath + kCut.size(), kCut);
  }
  failure.reason.resize(wire::cut_text(failure.reason, kMaxReason).size());
  failure.detail.resize(wire::cut_text(failure.detail, kMaxDetail).size());
  wire::check_text(failure.reason);
  wire::check_text(failure.detail);
  insert(std::move(failure));
}

void Failures::insert(Failure failure) {
  entries_.insert(std::move(failure));
  if (entries_.size() > kMaxEntries) entries_.erase(std::prev(entries_.end()));
}

void Failures::merge(const Failures& other) {
  if (&other == this) return;
  for (const Failure& failure : other.entries_) insert(failure);
}

void Failures::encode(wire::Writer& out) const {
  out.varint(entries_.size());
  for (const Failure& failure : entries_) {
    out.string(failure.path);
    out.string(failure.reason);
    out.string(failure.detail);
  }
}

Failures Failures::decode(wire::Reader& in) {
  Failures result;
  const std::uint64_t count = in.count(24);
  if (count > kMaxEntries) throw DecodeError("failures: too many entries");
  for (std::uint64_t left = count; left > 0; --left) {
    Failure failure;
    const auto path = in.bytes(in.varint());  // any bytes: file systems do not ask for UTF-8
    failure.path.assign(path.begin(), path.end());
    failure.reason = in.string();
    failure.detail = in.string();
    if (failure.path.size() > kMaxPath || failure.reason.size() > kMaxReason ||
        failure.detail.size() > kMaxDetail) {
      throw DecodeError("failures: an entry is too long");
    }
    if (!result.entries_.empty() && !Order()(*result.entries_.rbegin(), failure)) {
      throw DecodeError("failures: the entries are not rising");
    }
    result.entries_.insert(result.entries_.end(), std::move(failure));
  }
  return result;
}

}  // namespace lightmeter::profile
