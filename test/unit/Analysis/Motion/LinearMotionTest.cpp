// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Against closed forms that hold for the heavy ball and its kin.

#include "noether/Analysis/Motion/LinearMotion.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace noether;

namespace {
/// v' = beta v + g + lambda w, w' = w - eta v'.
LinearMotion heavyBall(double eta, double lambda, double beta) {
  return LinearMotion({1 - eta * lambda, -eta * beta, lambda, beta}, {-eta, 1});
}

/// d = g + lambda w + beta v', w' = w - eta d.
LinearMotion nesterov(double eta, double lambda, double beta) {
  return LinearMotion({1 - eta * lambda - eta * beta * lambda, -eta * beta * beta, lambda, beta},
                      {-eta - eta * beta, 1});
}

TEST(LinearMotion, MomentumConstants) {
  LinearMotion motion = heavyBall(1, 0, 0.9);
  EXPECT_NEAR(*motion.coherentGrowth(), 1900, 1e-8);       // (1 + b) / (1 - b)^3
  EXPECT_NEAR(std::pow(*motion.displacement(), 2), 100, 1e-9); // 1 / (1 - b)^2
  EXPECT_FALSE(motion.equilibrium());
}

TEST(LinearMotion, ImplicitRmsProp) {
  LinearMotion motion = heavyBall(0.1, 5e-4, 0.9);
  EXPECT_NEAR(4 * *motion.decayRate(), 2e-3, 1e-12);
  EXPECT_NEAR(*motion.coherentGrowth() / (2 * *motion.decayRate()), 19000, 1e-6);
  EXPECT_NEAR(motion.equilibrium()->norm, 1000.013, 1e-3);
  EXPECT_NEAR(motion.equilibrium()->rotation, 0.00725476, 1e-8);
  motion = heavyBall(0.1, 1e-4, 0.9);
  EXPECT_NEAR(4 * *motion.decayRate(), 4e-4, 1e-13);
  EXPECT_NEAR(*motion.coherentGrowth() / (2 * *motion.decayRate()), 95000, 1e-4);
  EXPECT_NEAR(motion.equilibrium()->norm, 5000, 0.1);
  EXPECT_NEAR(motion.equilibrium()->rotation, 0.00324443, 1e-8);
}

TEST(LinearMotion, NoisyEquilibrium) {
  struct Case {
    double eta, lambda, beta, fourthPower, angle;
  } cases[] = {{.1, .01, 0, 5.0025, .04472},
               {.1, .01, .9, 50.013, .03244},
               {.05, .02, .5, 2.5008, .03651},
               {.2, .005, .95, 400.10, .03203}};
  for (auto &c : cases) {
    auto equilibrium = c.beta == 0
                           ? LinearMotion({1 - c.eta * c.lambda}, {-c.eta}).equilibrium()
                           : heavyBall(c.eta, c.lambda, c.beta).equilibrium();
    ASSERT_TRUE(equilibrium);
    EXPECT_NEAR(equilibrium->norm, c.fourthPower, 2e-5 * c.fourthPower + 5e-5);
    EXPECT_NEAR(equilibrium->rotation, c.angle, 1e-5);
  }
}

TEST(LinearMotion, CoherentEquilibrium) {
  auto fourthPower = [](const LinearMotion &motion) {
    return *motion.coherentGrowth() / (2 * *motion.decayRate());
  };
  EXPECT_NEAR(fourthPower(heavyBall(1e-3, .01, .9)), 9.5, 1e-9);
  EXPECT_NEAR(fourthPower(heavyBall(1e-4, .1, .5)), 0.003, 1e-12);
  EXPECT_NEAR(fourthPower(LinearMotion({1 - 1e-5}, {-1e-3})), 0.05, 1e-9);
}

TEST(LinearMotion, DecayFactor) {
  EXPECT_NEAR(*heavyBall(.1, 5e-4, .9).decayFactor(), .9994977283678897, 1e-14);
  EXPECT_NEAR(std::pow(*heavyBall(.1, 5e-4, .9).decayFactor(), -2), 1.001005300601762, 1e-14);
  EXPECT_NEAR(std::pow(*heavyBall(.1, 1e-4, .9).decayFactor(), -2), 1.000200210400956, 1e-14);
  EXPECT_NEAR(std::pow(*LinearMotion({1 - 5e-5}, {-.1}).decayFactor(), -2), 1.0001000075005, 1e-13);
  EXPECT_NEAR(std::pow(*nesterov(.1, 5e-4, .9).decayFactor(), -2), 1.0010048437211287, 1e-14);
  // eta lambda <= (1 - sqrt(beta))^2
  double bound = std::pow(1 - std::sqrt(.9), 2);
  EXPECT_NEAR(bound, 2.633404e-3, 1e-9);
  EXPECT_TRUE(heavyBall(1, bound * .999, .9).decayFactor());
  EXPECT_FALSE(heavyBall(1, bound * 1.001, .9).decayFactor());
  // With a buffer that does nothing, by another way.
  LinearMotion padded({1 - .1 * 5e-4, -.1 * .9, 0, 5e-4, .9, 0, 0, 0, .5}, {-.1, 1, 0});
  EXPECT_NEAR(*padded.decayFactor(), .9994977283678897, 1e-12);
}

TEST(LinearMotion, AdaptiveEquilibrium) {
  // m' = b1 m + (1 - b1) g, w' = (1 - eta lambda) w - eta m', g of unit variance.
  auto adam = [](double eta, double lambda, double b1) {
    return LinearMotion({1 - eta * lambda, -eta * b1, 0, b1}, {-eta * (1 - b1), 1 - b1});
  };
  auto equilibrium = adam(1e-3, .1, .9).equilibrium();
  EXPECT_NEAR(equilibrium->norm * 200, 1.0, 1e-3);
  EXPECT_NEAR(equilibrium->rotation, .0032444, 1e-6);
  equilibrium = adam(1e-3, .5, .95).equilibrium();
  EXPECT_NEAR(equilibrium->norm * 200, .2, 2e-3);
  EXPECT_NEAR(equilibrium->rotation, .005064, 2e-6);
}

TEST(LinearMotion, MomentRatio) {
  auto bound = [](double b1, double b2) {
    return *momentRatioBound([&](unsigned k) { return (1 - b1) * std::pow(b1, k); }, 1 - b2, b2);
  };
  EXPECT_NEAR(bound(.9, .999), 7.2703, 5e-5);
  EXPECT_NEAR(bound(.9, .95), 1.1650, 5e-5);
  EXPECT_TRUE(std::isinf(bound(.99, .9)));
  EXPECT_TRUE(std::isinf(bound(.9, .81)));
}

TEST(LinearMotion, ConservedCounts) {
  int64_t momentum[] = {0, 1, 3, 6, 10, 15, 21, 28, 36, 44, 52};
  int64_t gradient[] = {1, 3, 6, 10, 14, 18, 22, 26, 30, 34, 38};
  for (int64_t rank = 1; rank <= 11; ++rank) {
    EXPECT_EQ(momentumFlowCharges(rank, 4), momentum[rank - 1]);
    EXPECT_EQ(gradientFlowCharges(rank, 4), gradient[rank - 1]);
  }
  int64_t scalars[] = {1, 3, 5, 7};
  for (int64_t rank = 1; rank <= 4; ++rank)
    EXPECT_EQ(gradientFlowCharges(rank, 2), scalars[rank - 1]);
}
} // namespace
