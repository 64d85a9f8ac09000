#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lightmeter::decode {

// What the application segments that came so far say.
struct JpegApplications {
  bool jfif = false;
  bool adobe_ycc = false;
  bool exif = false;
};

// What Pillow or libjpeg does of an application segment that this decoder does not do. A file whose
// segment fails the test is refused. Among the rules are segments that a camera writes longer, and
// those that make another format of the file.
struct PillowRule {
  std::uint8_t segment;
  std::string_view start;  // of the body
  std::string_view rule;
  bool (*test)(std::span<const std::uint8_t> body, const JpegApplications& before);
};

[[nodiscard]] std::span<const PillowRule> pillow_rules() noexcept;

// Takes the next application segment; false if a rule refuses it.
[[nodiscard]] bool take_application(std::uint8_t marker, std::span<const std::uint8_t> body,
                                    JpegApplications& applications);

}  // namespace lightmeter::decode
