#include "decode/pillow_rules.hpp"

#include <algorithm>

#include "headers/foreign.hpp"
#include "headers/jpeg_segments.hpp"

namespace lightmeter::decode {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Marker = headers::JpegMarker;
using headers::starts_with;

// The TIFF structure behind "Exif" and two zeros; empty where Pillow sees none either.
Bytes tiff_of(Bytes body) noexcept {
  constexpr std::size_t kName = 6, kHead = 8;
  return body.size() < kName + kHead ? Bytes() : body.subspan(kName);
}

// A number of a TIFF structure.
std::size_t tiff_number(Bytes tiff, std::size_t at, std::size_t bytes) noexcept {
  std::size_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value = value << 8 | tiff[at + (tiff[0] == 'I' ? bytes - 1 - i : i)];
  }
  return value;
}

bool is_classic_tiff(Bytes body, const JpegApplications& /*before*/) {
  constexpr std::size_t kBigTiff = 43;
  const Bytes tiff = tiff_of(body);
  return tiff.empty() || tiff_number(tiff, 2, 2) != kBigTiff;
}

// Which of several resolutions Pillow takes depends on what else is damaged, so all of them have to
// be right.
bool has_usual_resolution(Bytes body, const JpegApplications& /*before*/) {
  constexpr std::size_t kXResolution = 0x11A, kFraction = 5, kRow = 12;
  const Bytes tiff = tiff_of(body);
  if (tiff.empty()) return true;
  std::size_t at = tiff_number(tiff, 4, 4);
  if (at + 2 > tiff.size()) return true;
  std::size_t rows = tiff_number(tiff, at, 2);
  for (at += 2; rows > 0 && at + kRow <= tiff.size(); --rows, at += kRow) {
    const bool is_usual =
        tiff_number(tiff, at + 2, 2) == kFraction && tiff_number(tiff, at + 4, 4) == 1;
    if (tiff_number(tiff, at, 2) == kXResolution && !is_usual) return false;
  }
  return true;
}

bool never(Bytes /*body*/, const JpegApplications& /*before*/) { return false; }

constexpr PillowRule kRules[] = {
    {Marker::kApp0, "JFIF", "libjpeg reads a shorter or otherwise named segment in another way",
     [](Bytes body, const JpegApplications&) { return body.size() >= 14 && body[4] == 0; }},
    {Marker::kApp1, "Exif", "Pillow joins the Exif of several segments",
     [](Bytes, const JpegApplications& before) { return !before.exif; }},
    {Marker::kApp1, "Exif", "Pillow steps over a second name of the Exif",
     [](Bytes body, const JpegApplications&) { return !starts_with(tiff_of(body), "Exif"); }},
    {Marker::kApp1, "Exif", "Pillow looks for a resolution in a BigTIFF", is_classic_tiff},
    {Marker::kApp1, "Exif", "Pillow fails on the file if its XResolution is no fraction",
     has_usual_resolution},
    {Marker::kApp2, "ICC_PROFILE", "Pillow looks at the number of a piece of the colour profile",
     [](Bytes body, const JpegApplications&) { return body.size() > 14; }},
    {Marker::kApp2, "MPF", "Pillow opens a file of several images as MPO", never},
    {Marker::kApp13, "", "Pillow reads resources of Photoshop, and fails on damaged ones", never},
    {Marker::kApp14, "Adobe", "libjpeg takes components for RGB or YCCK by the transform",
     [](Bytes body, const JpegApplications&) { return body.size() >= 12 && body[11] == 1; }},
};

}  // namespace

std::span<const PillowRule> pillow_rules() noexcept { return kRules; }

bool take_application(std::uint8_t marker, Bytes body, JpegApplications& applications) {
  const bool is_taken = std::ranges::all_of(kRules, [&](const PillowRule& rule) {
    return rule.segment != marker || !starts_with(body, rule.start) ||
           rule.test(body, applications);
  });
  const auto is = [&](std::uint8_t segment, std::string_view start) {
    return marker == segment && starts_with(body, start);
  };
  applications.jfif |= is(Marker::kApp0, "JFIF");
  applications.exif |= is(Marker::kApp1, "Exif");
  applications.adobe_ycc |= is(Marker::kApp14, "Adobe");
  return is_taken;
}

}  // namespace lightmeter::decode
