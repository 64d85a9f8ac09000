#include "profile/failures.hpp"

#include <string_view>
#include <tuple>
#include <utility>

#include "profile/layout.hpp"
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

template <class Io, class Self>
void Failures::layout(Io io, Self& self) {
  FirstK::layout(io, self, 24, "failures: too many entries", "failures: the entries are not rising",
                 [&](auto& failure) {
                   io.bytes(failure.path);  // any: file systems do not ask for UTF-8
                   io.text(failure.reason);
                   io.text(failure.detail);
                   io.require(failure.path.size() <= kMaxPath &&
                                  failure.reason.size() <= kMaxReason &&
                                  failure.detail.size() <= kMaxDetail,
                              "failures: an entry is too long");
                 });
}

void Failures::encode(wire::Writer& out) const { layout(Packer{out}, *this); }

Failures Failures::decode(wire::Reader& in) { return unpacked<Failures>(in); }

}  // namespace lightmeter::profile
