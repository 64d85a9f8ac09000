#include "profile/per_bucket.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sketch/limits.hpp"

namespace lightmeter::profile {

namespace {

double mean_of(double a, double na, double b, double nb) {
  const double share = nb / (na + nb);
  const double d = b - a;
  return std::isfinite(d) ? a + d * share : a * (1.0 - share) + b * share;
}

}  // namespace

// As in moments.cpp.
void PerBucket::join(Entry& sum, const Entry& more) {
  const auto a = static_cast<double>(sum.n);
  const auto b = static_cast<double>(more.n);
  const double x = more.x - sum.x;
  const double y = more.y - sum.y;
  const double weight = a * (b / (a + b));
  Squares& squares = squares_of(sum);
  squares[0] += x * x * weight;
  if (y != 0.0) {  // of hues, which are finite
    squares[1] += y * y * weight;
    squares[2] += x * y * weight;
  }
  sum.x = mean_of(sum.x, a, more.x, b);
  sum.y = mean_of(sum.y, a, more.y, b);
  sum.n += more.n;
}

void PerBucket::add(const Entry& entry, double squares) {
  if (entry.n == 0) return;
  squares_of(entry)[0] += squares;
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry);
  if (place != entries_.end() && place->bucket == entry.bucket) {
    join(*place, entry);
  } else {
    entries_.insert(place, entry);
  }
}

void PerBucket::merge(const PerBucket& more) {
  for (const Entry& entry : more.entries_) add(entry);
  for (std::size_t i = 0; i < within_.size(); ++i) {
    within_[i] += more.within_[i];
    single_[i] += more.single_[i];
  }
}

void PerBucket::coarsen(Bucket buckets) {
  for (Entry entry : std::exchange(entries_, {})) {
    if (entry.bucket != kSingle) entry.bucket %= buckets;
    add(entry);
  }
}

void PerBucket::layout(Codec& codec, const std::set<Bucket>& in_use, int means) {
  const double most = means == 2 ? 1.0 + 1e-9 : std::numeric_limits<double>::max();
  codec.list(entries_, [&](Entry& entry) {
    codec.varint(entry.bucket);
    codec.require(in_use.contains(entry.bucket), "a bucket that is not in use");
    codec.varint(entry.n);
    codec.require(entry.n > 0 && entry.n <= sketch::kMaxCount, "a count of 0, or above 2^56");
    if (means > 0) codec.f64(entry.x);
    if (means > 1) codec.f64(entry.y);
    codec.require(std::abs(entry.x) <= most && std::abs(entry.y) <= most,
                  "a mean is not finite, or not on the circle");
  });
  if (means == 0 || empty()) return;
  for (Squares* squares : {&within_, &single_}) {
    auto& [xx, yy, xy] = *squares;
    codec.f64(xx);
    if (means == 2) {
      codec.f64(yy);
      codec.f64(xy);
    }
    // Those of numbers may be infinite, as those of moments.
    codec.require(xx >= 0.0 && yy >= 0.0 && (means == 1 || std::isfinite(xx + yy + xy)),
                  "a sum of squares is negative or not finite");
  }
}

}  // namespace lightmeter::profile
