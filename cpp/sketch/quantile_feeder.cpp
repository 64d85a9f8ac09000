#include "sketch/quantile_feeder.hpp"

#include <algorithm>
#include <cmath>

#include "sketch/sorting.hpp"

namespace lightmeter::sketch {

template <class T>
QuantileSketch::Feeder<T>::Feeder(QuantileSketch& sketch, std::uint64_t horizon)
    : sketch_(sketch), horizon_(horizon), thin_(std::min(Sampled::run_level(kBlock, horizon), 8)) {}

template <class T>
void QuantileSketch::Feeder<T>::push(std::span<const T> values) {
  sketch_.view_.clear();
  while (sketch_.is_exact() && !values.empty()) {
    sketch_.update(static_cast<double>(values[0]));
    values = values.subspan(1);
  }
  while (!values.empty()) {
    const auto some = values.first(std::min(values.size(), kBlock - filled_));
    std::ranges::copy(some, block_.begin() + filled_);
    filled_ += some.size();
    values = values.subspan(some.size());
    if (filled_ == kBlock) take_block();
  }
}

template <class T>
void QuantileSketch::Feeder<T>::take_block() {
  T least, greatest;
  if (!sort_kernels<T>().scan(block_.data(), block_.data(), kBlock, &least, &greatest)) {
    return drop_apart();
  }
  filled_ = 0;
  taken_ += kBlock;
  sketch_.observed_ += kBlock;
  Sampled& sampled = *sketch_.sampled();
  sampled.note_extrema(static_cast<double>(least), static_cast<double>(greatest));
  if (thin_ == 0) {
    std::ranges::copy(block_, stage_.begin() + staged_);
    staged_ += kBlock;
  } else {
    std::array<T, kBlock> sorted;
    sort_into(block_.data(), sorted.data(), kBlock);
    const std::uint64_t offset = sampled.draw_offset(thin_);
    for (std::uint64_t i = offset; i < kBlock; i += std::uint64_t{1} << thin_) {
      stage_[staged_] = sorted[i];
      ++staged_;
    }
  }
  if (staged_ == kStage) take_stage();
}

// Counts what is not finite and closes the gaps, so that the block is no longer full.
template <class T>
void QuantileSketch::Feeder<T>::drop_apart() {
  const auto rest = std::ranges::remove_if(block_, [&](T value) {
    if (!std::isfinite(value)) sketch_.update_apart(static_cast<double>(value), 1);
    return !std::isfinite(value);
  });
  filled_ -= rest.size();
}

template <class T>
void QuantileSketch::Feeder<T>::take_stage() {
  if (staged_ == 0) return;
  const std::span<T> values = std::span<T>(stage_).first(staged_);
  const std::uint64_t total = std::uint64_t{staged_} << thin_;
  if (Sampled::run_level(total, horizon_) > thin_) sort_values(values);
  sketch_.sampled()->insert_run(
      total, thin_, [&](std::uint64_t rank) { return static_cast<double>(values[rank >> thin_]); },
      horizon_);
  staged_ = 0;
}

template <class T>
void QuantileSketch::Feeder<T>::finish() {
  take_stage();
  for (const T value : std::span(block_).first(filled_)) {
    sketch_.update(static_cast<double>(value));
  }
  if (taken_ >= kMany) sketch_.sampled()->sort_levels();
}

template class QuantileSketch::Feeder<float>;
template class QuantileSketch::Feeder<double>;

}  // namespace lightmeter::sketch
