#include <gtest/gtest.h>

#include <iostream>
#include <stdexcept>

#include "kernels/tier.hpp"

// CTest runs the suite once per kernel tier; 77 tells it to skip a tier this machine does not have.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    (void)lightmeter::kernels::active();
  } catch (const std::invalid_argument& error) {
    std::cerr << error.what() << '\n';
    return 77;
  }
  return RUN_ALL_TESTS();
}
