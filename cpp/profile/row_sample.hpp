#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "profile/first_k.hpp"

namespace lightmeter::profile {

// The numbers of some of the images, a row for each: how numbers go together, which columns apart
// do not tell. Kept are the rows with the least hashes of their contents. So a sample is random,
// and equal rows are kept once.
//
// Names are kept as they are, values to the nearest float.
class RowSample {
 public:
  static constexpr std::size_t kMaxKeep = 4096;
  static constexpr std::size_t kMaxNumbers = 256;  // of a row; of more, the first by name are kept
  static constexpr std::size_t kMaxName = 256;     // bytes

  using Names = std::vector<std::string>;  // rising
  struct Row {
    std::uint64_t hash = 0;
    std::shared_ptr<const Names> names = nullptr;  // rows of one profile share them
    std::vector<float> values = {};                // in their order

    friend bool operator<(const Row& a, const Row& b) {
      return std::tie(a.hash, *a.names, a.values) < std::tie(b.hash, *b.names, b.values);
    }
  };
  struct ByHash {
    bool operator()(const Row& a, const Row& b) const noexcept { return a.hash < b.hash; }
  };

  // How many rows to keep; 0 keeps none. At most kMaxKeep, or std::invalid_argument.
  void keep(std::size_t count);
  [[nodiscard]] std::size_t keep() const noexcept { return rows_.most(); }
  // Whether none are asked for.
  [[nodiscard]] bool empty() const noexcept { return keep() == 0; }

  // Adds the numbers of an image by name. Passed over are values that no float is near, and names
  // longer than kMaxName; a row of which nothing is left is not added.
  using Numbers = std::map<std::string_view, double>;
  void add(const Numbers& numbers);
  // The sum keeps as many as the side that keeps fewer, which is all that it can know; a side that
  // keeps none has no say.
  void merge(const RowSample& other) { rows_.merge(other.rows_); }

  [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_.entries(); }
  // By the names that rows have.
  using Tables = std::map<Names, std::vector<Row>>;
  [[nodiscard]] Tables tables() const;

  void layout(Codec& codec);

 private:
  FirstK<Row, ByHash> rows_;
  std::shared_ptr<const Names> last_;  // names of the row that was last added
};

}  // namespace lightmeter::profile
