#include "profile/failures.hpp"

#include <string_view>
#include <tuple>
#include <utility>

#include "wire/text.hpp"

namespace lightmeter::profile {

bool operator<(const Failure& a, const Failure& b) noexcept {
  const bool a_last = a.path.empty(), b_last = b.path.empty();
  return std::tie(a_last, a.path, a.reason, a.detail) <
         std::tie(b_last, b.path, b.reason, b.detail);
}

void Failures::add(Failure failure) {
  constexpr std::string_view kCut = "...";
  if (failure.path.size() > kMaxPath) {
    failure.path.replace(0, failure.path.size() - kMaxPath + kCut.size(), kCut);
  }
  failure.reason.resize(wire::cut_text(failure.reason, kMaxReason).size());
  failure.detail.resize(wire::cut_text(failure.detail, kMaxDetail).size());
  wire::check_text(failure.reason);
  wire::check_text(failure.detail);
  FirstK::add(std::move(failure));
}

void Failures::layout(Codec& codec) {
  FirstK::layout(codec, [&](Failure& failure) {
    codec.bytes(failure.path, kMaxPath);  // any: file systems do not ask for UTF-8
    codec.text(failure.reason, kMaxReason);
    codec.text(failure.detail, kMaxDetail);
  });
}

}  // namespace lightmeter::profile
