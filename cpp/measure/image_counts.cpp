#include "measure/image_counts.hpp"

namespace lightmeter::measure {

ImageCounts::ImageCounts() {
  for_each_histogram([](const char*, Histogram& histogram) { histogram.resize(kBins); }, *this);
}

ImageCounts ImageCounts::deep(int channels) {
  ImageCounts counts;
  if (channels == 1) {
    counts.channel[0].resize(kDeepBins);
    counts.channel[1].clear();
    counts.channel[2].clear();
    counts.value.resize(kDeepBins);
  } else {
    for_each_histogram([](const char*, Histogram& histogram) { histogram.resize(kDeepBins); },
                       counts);
  }
  return counts;
}

void ImageCounts::add(const ImageCounts& strip) {
  for_each_histogram(
      [](const char*, Histogram& to, const Histogram& from) {
        for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
      },
      *this, strip);
}

}  // namespace lightmeter::measure
