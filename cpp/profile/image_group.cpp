#include "profile/image_group.hpp"

#include <algorithm>

#include "sketch/limits.hpp"

namespace lightmeter::profile {

std::uint64_t ImageGroup::observations() const noexcept {
  std::uint64_t all_read = 0;
  for (const auto& [policy, read] : exif_read) all_read += read;
  return std::max(images, all_read);
}

std::uint64_t ImageGroup::tracked(std::string_view name, bool personal) const {
  std::uint64_t sum = 0;
  for (const auto& [policy, read] : exif_read) {
    if (policy.tracks(name.substr(name.rfind('.') + 1), personal)) sum += read;
  }
  return sum;
}

std::uint64_t ImageGroup::unstored(std::string_view name, const Meaning& meaning,
                                   std::uint64_t present) const {
  if (meaning.role == Role::kFailure) return images;
  if (!meaning.is_exif()) return 0;
  const std::uint64_t all = tracked(name, meaning.origin == Origin::kPersonalExif);
  return all - std::min(all, present);
}

void ImageGroup::merge(const ImageGroup& other) {
  images += other.images;
  for (const auto& [policy, read] : other.exif_read) exif_read[policy] += read;
}

void ImageGroup::layout(Codec& codec) {
  codec.count(images);
  std::uint64_t left = sketch::kMaxCount;
  codec.map(exif_read, [&](const ExifPolicy&, std::uint64_t& read) {
    codec.count(read);
    codec.require(read > 0 && read <= left, "an Exif policy of no image, or of too many");
    left -= read;
  });
}

}  // namespace lightmeter::profile
