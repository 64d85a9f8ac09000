#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace lightmeter {
namespace {

// A broken law is an exception that names it; see tests/fuzz/decode_fuzz.cpp.
TEST(FuzzReplay, TheCorpusObeysTheLaws) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LIGHTMETER_FUZZ_CORPUS)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    EXPECT_NO_THROW(LLVMFuzzerTestOneInput(bytes.data(), bytes.size())) << entry.path().filename();
    ++files;
  }
  EXPECT_GT(files, 100);
}

}  // namespace
}  // namespace lightmeter
