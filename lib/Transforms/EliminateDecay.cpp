// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weight decay of scale-invariant parameters becomes a schedule of their learning rate.

#include "BlockPowers.h"
#include "DecayGroups.h"
#include "EntryResults.h"
#include "GaugeFixing.h"
#include "StepConversions.h"
#include "StepRewrite.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

namespace noether {
#define GEN_PASS_DEF_ELIMINATEDECAY
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {

/// A sum of tensors of one shape, each times a number of the program or one that is computed.
class WeightedSum {
public:
  WeightedSum(OpBuilder &builder, Location loc, RankedTensorType type, FloatType element)
      : b(builder, loc), type(type), element(element) {}

  void add(Value tensor, double weight) {
    if (weight == 0)
      return;
    Value term = b.scale(b.convert(tensor, element), weight);
    sum = sum ? b.binary("stablehlo.add", sum, term) : term;
  }
  void multiply(Value scalar) {
    if (sum)
      sum = b.binary("stablehlo.multiply", sum, b.broadcast(scalar, type.getShape(), {}));
  }
  Value get() {
    return b.convert(sum ? sum : b.splat(type.clone(element), 0), type.getElementType());
  }

private:
  StablehloBuilder b;
  RankedTensorType type;
  FloatType element;
  Value sum;
};

struct EliminateDecay : noether::impl::EliminateDecayBase<EliminateDecay> {
  using EliminateDecayBase::EliminateDecayBase;

  void runOnOperation() override;

private:
  LogicalResult createConversions(func::FuncOp entry, ArrayRef<DecayGroup> groups);
  LogicalResult rewrite(const StepRoles &roles, ArrayRef<DecayGroup> groups);
};

} // namespace

static RankedTensorType counterType(MLIRContext *context) {
  return RankedTensorType::get({}, IntegerType::get(context, 32));
}
static std::string counterName(size_t group) { return "decay." + std::to_string(group) + ".steps"; }

/// Steps after which the units are set back: powers of the factor stay far from the ends of f32.
static int64_t periodOf(const DecayGroup &group) {
  double steps = std::floor(16 * std::log(2.0) / -std::log(group.factor));
  return std::clamp(steps, 1.0, double(1 << 30));
}

/// factor^(steps times count + more).
static Value createPower(OpBuilder &builder, Location loc, const DecayGroup &group, Value count,
                         double times, double more) {
  StablehloBuilder b(builder, loc);
  double log = std::log(group.factor);
  Value exponent = b.scale(b.convert(count, group.type), times * log);
  if (more != 0)
    exponent = b.binary("stablehlo.add", exponent,
                        b.splat(RankedTensorType::get({}, group.type), more * log));
  return b.unary("stablehlo.exponential", exponent);
}

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

LogicalResult EliminateDecay::createConversions(func::FuncOp entry, ArrayRef<DecayGroup> groups) {
  Location loc = entry.getLoc();
  ArgumentList plain(entry), rewritten = plain;
  for (size_t group = 0; group < groups.size(); ++group)
    rewritten.append(counterType(&getContext()), counterName(group));
  auto adapt = [&](OpBuilder &builder, ValueRange arguments) {
    SmallVector<Value> results(arguments);
    for (const DecayGroup &group : groups) {
      StablehloBuilder b(builder, loc);
      for (const DecayGroup::Member &member : group.members)
        for (auto [buffer, weight] : llvm::zip(member.buffers, group.mode)) {
          WeightedSum rest(builder, loc, typeOf(arguments[buffer]), group.type);
          rest.add(arguments[buffer], 1);
          rest.add(arguments[member.argument], -weight);
          results[buffer] = rest.get();
        }
      auto type = counterType(&getContext());
      results.push_back(
          b.create("stablehlo.constant", type, {},
                   builder.getNamedAttr("value", DenseElementsAttr::get(type, int32_t(0)))));
    }
    return results;
  };
  auto restore = [&](OpBuilder &builder, ValueRange arguments) {
    SmallVector<Value> results(arguments.take_front(plain.size()));
    for (auto [number, group] : llvm::enumerate(groups)) {
      Value count = arguments[plain.size() + number];
      Value unit = createPower(builder, loc, group, count, 1, 0);
      Value inverse = createPower(builder, loc, group, count, -1, 0);
      for (const DecayGroup::Member &member : group.members) {
        Value parameter = arguments[member.argument];
        WeightedSum weight(builder, loc, typeOf(parameter), group.type);
        weight.add(parameter, 1);
        weight.multiply(unit);
        results[member.argument] = weight.get();
        for (auto [buffer, mode] : llvm::zip(member.buffers, group.mode)) {
          WeightedSum whole(builder, loc, typeOf(arguments[buffer]), group.type);
          whole.add(arguments[buffer], 1);
          whole.multiply(inverse);
          whole.add(results[member.argument], mode);
          results[buffer] = whole.get();
        }
      }
    }
    return results;
  };
  return noether::createConversions(entry, plain, rewritten, adapt, restore);
}

LogicalResult EliminateDecay::rewrite(const StepRoles &roles, ArrayRef<DecayGroup> groups) {
  func::FuncOp entry = roles.entry;
  Block &body = entry.getBody().front();
  Location loc = entry.getLoc();
  if (failed(createConversions(entry, groups)))
    return failure();

  SmallVector<Operation *> operations;
  for (Operation &op : body)
    operations.push_back(&op);
  Operation &terminator = *operations.back();
  OpBuilder builder(operations.front());
  SmallVector<Value> counts, units;
  unsigned numResults = entry.getNumResults();
  for (auto [number, group] : llvm::enumerate(groups)) {
    FailureOr<Value> count = appendState(entry, counterType(&getContext()), counterName(number),
                                         numResults + number);
    if (failed(count))
      return failure();
    counts.push_back(*count);
    units.push_back(createPower(builder, loc, group, *count, 1, 0));
  }

  OperationFacts facts(&getContext(), 0);
  BlockPowers powers(units, operations.front());
  GaugeFixing fixing(facts, powers);
  auto gaugeOf = [](size_t group, int64_t exponent) {
    return Gauge(GaugeTerm{static_cast<unsigned>(group), {}, Fraction(exponent)});
  };
  for (auto [number, group] : llvm::enumerate(groups)) {
    Value square = createPower(builder, loc, group, counts[number], 2, 0);
    for (const DecayGroup::Member &member : group.members) {
      BlockArgument parameter = entry.getArgument(member.argument);
      fixing.setGauge(parameter, gaugeOf(number, 1));
      // For whatever else reads a buffer, in the gauge of gradients: y + a^2t k u.
      for (auto [buffer, mode] : llvm::zip(member.buffers, group.mode)) {
        BlockArgument rest = entry.getArgument(buffer);
        SmallVector<OpOperand *> uses;
        for (OpOperand &use : rest.getUses())
          uses.push_back(&use);
        WeightedSum whole(builder, loc, typeOf(rest), group.type);
        whole.add(parameter, mode);
        whole.multiply(square);
        whole.add(rest, 1);
        Value value = whole.get();
        for (OpOperand *use : uses)
          use->set(value);
        fixing.setGauge(value, gaugeOf(number, -1));
      }
    }
  }
  for (Operation *op : ArrayRef(operations).drop_back()) {
    facts.visit(*op);
    fixing.visit(*op);
  }

  llvm::DenseMap<unsigned, Value> next;
  SmallVector<EntryResult> results;
  SmallVector<std::string> names;
  builder.setInsertionPoint(&terminator);
  loc = terminator.getLoc();
  StablehloBuilder b(builder, loc);
  for (size_t group = 0; group < groups.size(); ++group)
    names.push_back(counterName(group));
  for (auto [number, group] : llvm::enumerate(groups)) {
    auto type = counterType(&getContext());
    auto integer = [&](int64_t value) {
      return b.create("stablehlo.constant", type, {},
                      builder.getNamedAttr(
                          "value", DenseElementsAttr::get(type, static_cast<int32_t>(value))));
    };
    int64_t period = periodOf(group);
    Value count = b.binary("stablehlo.add", counts[number], integer(1));
    Value isFull = b.compare("GE", count, integer(period));
    auto scalar = RankedTensorType::get({}, group.type);
    // Where the units are set back, the parameter is multiplied by what one was, the rest divided.
    double unit = std::exp(period * std::log(group.factor));
    auto choose = [&](double full) {
      return b.select(isFull, b.splat(scalar, full), b.splat(scalar, 1));
    };
    Value grow = choose(unit), shrink = choose(1 / unit);
    results.push_back({b.select(isFull, integer(0), count), "state", names[number]});
    // The schedule.
    Value rate = createPower(builder, loc, group, counts[number], -2, -1);
    for (const DecayGroup::Member &member : group.members) {
      Value parameter = entry.getArgument(member.argument);
      Value gradient = fixing.bring(member.gradient, gaugeOf(number, -1), terminator);
      WeightedSum moved(builder, loc, typeOf(parameter), group.type);
      for (auto [i, buffer] : llvm::enumerate(member.buffers))
        moved.add(entry.getArgument(buffer), group.motion.at(0, i + 1));
      moved.add(gradient, group.motion.driveOf(0));
      moved.multiply(rate);
      moved.add(parameter, 1);
      moved.multiply(grow);
      next[member.result] = moved.get();
      for (auto [row, result] : llvm::enumerate(member.bufferResults)) {
        WeightedSum rest(builder, loc, typeOf(entry.getArgument(member.buffers[row])), group.type);
        for (auto [column, buffer] : llvm::enumerate(member.buffers))
          rest.add(entry.getArgument(buffer), group.factor * group.restAt(row, column));
        rest.add(gradient, group.factor * group.restDrive(row));
        rest.multiply(shrink);
        next[result] = rest.get();
      }
    }
  }
  for (OpOperand &operand : terminator.getOpOperands()) {
    auto it = next.find(operand.getOperandNumber());
    operand.set(it != next.end() ? it->second : fixing.bring(operand.get(), Gauge(), terminator));
  }
  if (failed(appendResults(entry, results)))
    return failure();
  eraseUnused(body);
  return success();
}

void EliminateDecay::runOnOperation() {
  AnalysisOptions options;
  options.spurionThreshold = spurionThreshold;
  options.motions = true;
  FailureOr<StepAnalysis> analysis = analyzeInlined(getOperation(), options);
  if (failed(analysis))
    return signalPassFailure();
  const StepRoles &roles = analysis->roles;
  SmallVector<std::string> names(symmetries.begin(), symmetries.end());
  auto groups = findDecayGroups(*analysis, names);
  if (failed(groups))
    return signalPassFailure();
  if (groups->empty())
    return;
  func::FuncOp entry = roles.entry;
  if (failed(checkStablehlo(entry)))
    return signalPassFailure();
  annotateRoles(roles);
  entry->setDiscardableAttr("noether.entry", UnitAttr::get(&getContext()));
  if (failed(rewrite(roles, *groups)))
    return signalPassFailure();
}
