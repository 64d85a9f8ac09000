#include "drift/dealt_hellinger.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace lightmeter::drift {

namespace {

constexpr std::size_t kHellingerDeals = 999;

// The hits among `sample` of `left` items, `marked` of which count: P(X <= first), P(X <= first +
// 1), and so on up to 1.
class HitsTable {
 public:
  HitsTable() = default;
  HitsTable(std::uint64_t left, std::uint64_t marked, std::uint64_t sample)
      : first_(sample + marked > left ? sample + marked - left : 0) {
    const std::uint64_t last = std::min(marked, sample);
    const auto ratio = [&](std::uint64_t x) {  // P(X = x + 1) / P(X = x)
      return static_cast<double>(marked - x) * static_cast<double>(sample - x) /
             (static_cast<double>(x + 1) * static_cast<double>(left + x + 1 - marked - sample));
    };
    const double mode = (static_cast<double>(sample) + 1.0) * (static_cast<double>(marked) + 1.0) /
                        (static_cast<double>(left) + 2.0);
    const std::uint64_t peak = std::clamp(static_cast<std::uint64_t>(mode), first_, last);
    up_to_.assign(last - first_ + 1, 1.0);
    double* const share = up_to_.data();
    for (std::uint64_t x = peak; x < last; ++x) {
      share[x + 1 - first_] = share[x - first_] * ratio(x);
    }
    for (std::uint64_t x = peak; x > first_; --x) {
      share[x - 1 - first_] = share[x - first_] / ratio(x - 1);
    }
    std::partial_sum(up_to_.begin(), up_to_.end(), up_to_.begin());
    const double scale = 1.0 / up_to_.back();
    for (double& each : up_to_) each *= scale;
    up_to_.back() = 1.0;
    std::uint32_t place = 0;
    for (std::size_t guide = 0; guide < kGuides; ++guide) {
      while (up_to_[place] * kGuides <= static_cast<double>(guide)) ++place;
      guides_[guide] = place;
    }
  }

  [[nodiscard]] bool empty() const { return up_to_.empty(); }
  [[nodiscard]] std::uint64_t draw(double uniform) const {
    std::size_t place = guides_[static_cast<std::size_t>(uniform * kGuides)];
    while (up_to_[place] <= uniform) ++place;
    return first_ + place;
  }

 private:
  static constexpr std::size_t kGuides = 32;

  std::uint64_t first_ = 0;
  std::vector<double> up_to_;
  std::array<std::uint32_t, kGuides> guides_{};  // where to start looking
};

struct Bin {
  std::uint64_t pooled;
  std::uint64_t left;             // in this bin and those behind it
  std::vector<HitsTable> hits;    // by how many are left to deal; made when first needed
  std::vector<double> distances;  // by hits: this bin's part of the squared distance
};

std::vector<Bin> bins_of(std::span<const std::uint64_t> pooled, std::uint64_t dealt,
                         std::uint64_t others) {
  const auto root = [](std::uint64_t part, std::uint64_t of) {
    return std::sqrt(static_cast<double>(part) / static_cast<double>(of));
  };
  std::vector<Bin> bins;
  std::uint64_t left = dealt + others;
  for (const std::uint64_t items : pooled) {
    Bin bin{items, left, std::vector<HitsTable>(dealt + 1), {}};
    for (std::uint64_t hits = 0; hits <= std::min(dealt, items); ++hits) {
      const double difference = root(hits, dealt) - root(items - hits, others);
      bin.distances.push_back(difference * difference / 2.0);
    }
    bins.push_back(std::move(bin));
    left -= items;
  }
  return bins;
}

}  // namespace

double dealt_hellinger(std::span<const std::uint64_t> pooled, std::uint64_t dealt, Random& random) {
  const std::uint64_t all = std::accumulate(pooled.begin(), pooled.end(), std::uint64_t{0});
  dealt = std::min(dealt, all - dealt);  // the smaller side, so that the tables stay small
  std::vector<Bin> bins = bins_of(pooled, dealt, all - dealt);
  std::vector<double> squares(kHellingerDeals);
  for (double& square : squares) {
    std::uint64_t left = dealt;
    square = 0.0;
    for (Bin& bin : bins) {
      std::uint64_t hits = left;
      if (bin.left > bin.pooled) {
        HitsTable& table = bin.hits[left];
        if (table.empty()) table = HitsTable(bin.left, bin.pooled, left);
        hits = table.draw(random.uniform());
      }
      square += bin.distances[hits];
      left -= hits;
    }
  }
  const auto quantile = squares.begin() + (kHellingerDeals + 1) * 95 / 100 - 1;
  std::ranges::nth_element(squares, quantile);
  return std::min(1.0, *quantile);
}

}  // namespace lightmeter::drift
