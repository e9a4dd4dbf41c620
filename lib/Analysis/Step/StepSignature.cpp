// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StepSignature.h"

#include "noether/Dialect/Noether/IR/Noether.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <tuple>

using namespace mlir;
using namespace noether;

//===----------------------------------------------------------------------===//
// StepSignature
//===----------------------------------------------------------------------===//

static std::optional<ArgumentRole> parseArgumentRole(StringRef text) {
  return llvm::StringSwitch<std::optional<ArgumentRole>>(text)
      .Case("param", ArgumentRole::Param)
      .Case("state", ArgumentRole::State)
      .Case("batch", ArgumentRole::Batch)
      .Case("hyper", ArgumentRole::Hyper)
      .Case("rng", ArgumentRole::Rng)
      .Default(std::nullopt);
}

static std::optional<ResultRole> parseResultRole(StringRef text) {
  return llvm::StringSwitch<std::optional<ResultRole>>(text)
      .Case("loss", ResultRole::Loss)
      .Case("param", ResultRole::Param)
      .Case("state", ResultRole::State)
      .Case("metric", ResultRole::Metric)
      .Case("charge", ResultRole::Charge)
      .Default(std::nullopt);
}

/// The name a location carries, as front ends attach one to arguments.
static StringRef getName(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (auto name = dyn_cast<NameLoc>(part))
        return name.getName();
  return {};
}

static StringRef getString(Attribute attribute) {
  auto string = dyn_cast_or_null<StringAttr>(attribute);
  return string ? string.getValue() : StringRef();
}

FailureOr<StepSignature> StepSignature::get(func::FuncOp entry) {
  StepSignature signature;
  signature.entry = entry;
  signature.terminator = &entry.getBody().front().back();

  signature.arguments.reserve(entry.getNumArguments());
  for (BlockArgument argument : entry.getArguments()) {
    unsigned number = argument.getArgNumber();
    auto get = [&](StringRef name) { return entry.getArgAttr(number, name); };
    Argument &facts = signature.arguments.emplace_back();
    for (StringRef name : {getString(get(NoetherDialect::kNameAttrName)),
                           getName(argument.getLoc()), getString(get("jax.arg_info"))})
      if (facts.name.empty())
        facts.name = name;
    facts.role = parseArgumentRole(getString(get(NoetherDialect::kRoleAttrName)));
    facts.roleDecidedBy = getString(get(NoetherDialect::kRoleDecidedByAttrName));
    facts.isDonated = get("tf.aliasing_output") || get("jax.buffer_donor");
    signature.hasDonations |= facts.isDonated;
    if (auto carried = dyn_cast_or_null<IntegerAttr>(get(NoetherDialect::kCarriedToAttrName))) {
      if (carried.getValue().isNegative() || carried.getValue().uge(entry.getNumResults()) ||
          entry.getResultTypes()[carried.getInt()] != argument.getType()) {
        entry.emitError("argument ")
            << number << " is said to be carried to result " << carried
            << ", which does not exist or has another type";
        return failure();
      }
      facts.carriedTo = carried.getInt();
    }
  }

  signature.results.reserve(entry.getNumResults());
  for (unsigned number = 0; number < entry.getNumResults(); ++number) {
    auto get = [&](StringRef name) { return entry.getResultAttr(number, name); };
    Result &facts = signature.results.emplace_back();
    for (StringRef name :
         {getString(get(NoetherDialect::kNameAttrName)), getString(get("jax.result_info"))})
      if (facts.name.empty())
        facts.name = name;
    facts.role = parseResultRole(getString(get(NoetherDialect::kRoleAttrName)));
  }

  for (Argument &argument : signature.arguments)
    argument.path = PytreePath::parse(argument.name);
  for (Result &result : signature.results)
    result.path = PytreePath::parse(result.name);
  return signature;
}

//===----------------------------------------------------------------------===//
// CarriedValues
//===----------------------------------------------------------------------===//

CarriedValues::CarriedValues(const StepSignature &signature, const Dependence &dependence)
    : signature(signature), dependence(dependence), resultOf(signature.arguments.size()),
      argumentOf(signature.results.size()), decidedBy(signature.arguments.size()),
      distances(signature.results.size()) {}

void CarriedValues::pair(unsigned argument, unsigned result, StringRef why) {
  resultOf[argument] = result;
  argumentOf[result] = argument;
  decidedBy[argument] = why;
}

bool CarriedValues::mayBeCarried(unsigned argument) const {
  std::optional<ArgumentRole> role = signature.arguments[argument].role;
  return !resultOf[argument] &&
         (!role || *role == ArgumentRole::Param || *role == ArgumentRole::State);
}

bool CarriedValues::mayCarry(unsigned result) const {
  std::optional<ResultRole> role = signature.results[result].role;
  return !argumentOf[result] && (!role || *role == ResultRole::Param || *role == ResultRole::State);
}

std::optional<unsigned> CarriedValues::getDistance(unsigned argument, unsigned result) {
  constexpr size_t kMaxValues = 64; // an update is a short expression
  constexpr unsigned kNegative = 8;
  std::optional<llvm::SmallDenseMap<unsigned, unsigned, 4>> &cache = distances[result];
  if (!cache) {
    cache.emplace();
    Value root = signature.getValue(result);
    llvm::SmallDenseSet<Value, 16> seen{root};
    SmallVector<std::pair<Value, unsigned>> queue{{root, 0}};
    Block *entryBlock = &signature.getEntry().getBody().front();
    for (size_t next = 0; next < queue.size() && next < kMaxValues; ++next) {
      auto [value, distance] = queue[next];
      if (auto source = dyn_cast<BlockArgument>(value); source && source.getOwner() == entryBlock) {
        cache->try_emplace(source.getArgNumber(), distance);
        continue;
      }
      Operation *op = value.getDefiningOp();
      bool subtracts = op && op->getName().stripDialect().starts_with("sub");
      bool negates = op && op->getName().stripDialect().starts_with("neg");
      unsigned nextDistance = distance + 1;
      dependence.forEachDirect(value, [&](Value from) {
        if (from.getType() != root.getType() || !seen.insert(from).second)
          return;
        bool isNegative =
            negates || (subtracts && op->getNumOperands() == 2 && from == op->getOperand(1));
        queue.push_back({from, nextDistance + (isNegative ? kNegative : 0)});
      });
    }
  }
  auto it = cache->find(argument);
  if (it == cache->end())
    return std::nullopt;
  return it->second;
}

/// Greedily, then by exchanging results where that is better.
void CarriedValues::assign(SmallVectorImpl<Candidate> &candidates, StringRef why) {
  llvm::sort(candidates, [](const Candidate &a, const Candidate &b) {
    return std::tie(a.cost, a.argument, a.result) < std::tie(b.cost, b.argument, b.result);
  });
  DenseMap<std::pair<unsigned, unsigned>, int64_t> costs;
  for (const Candidate &candidate : candidates) {
    costs[{candidate.argument, candidate.result}] = candidate.cost;
    if (!resultOf[candidate.argument] && !argumentOf[candidate.result])
      pair(candidate.argument, candidate.result, why);
  }
  auto find = [&](unsigned argument, unsigned result) -> std::optional<int64_t> {
    auto it = costs.find({argument, result});
    return it == costs.end() ? std::nullopt : std::optional(it->second);
  };
  constexpr unsigned kMaxPasses = 8;
  bool changed = true;
  for (unsigned pass = 0; changed && pass < kMaxPasses; ++pass) {
    changed = false;
    for (const Candidate &candidate : candidates) {
      std::optional<unsigned> result = resultOf[candidate.argument];
      std::optional<unsigned> other = argumentOf[candidate.result];
      if (!result || !other || *result == candidate.result)
        continue;
      std::optional<int64_t> now = find(candidate.argument, *result),
                             otherNow = find(*other, candidate.result),
                             otherThen = find(*other, *result);
      if (!now || !otherNow || !otherThen || candidate.cost + *otherThen >= *now + *otherNow)
        continue;
      pair(candidate.argument, candidate.result, why);
      pair(*other, *result, why);
      changed = true;
    }
  }
}

void CarriedValues::pairByName() {
  for (auto [i, argument] : llvm::enumerate(signature.arguments))
    if (argument.carriedTo && !argumentOf[*argument.carriedTo])
      pair(i, *argument.carriedTo, "caller");

  // A pair has one type, and the path of one ends the path of the other: either all of the argument's
  // below its root, or all of the result's below its root and the tuples it is in. Ends are looked up by
  // their hash.
  using Key = std::pair<Type, uint64_t>;
  auto keysOf = [](Type type, const PytreePath &path) {
    SmallVector<Key, 4> keys; // of the last component, of the last two, ...
    llvm::hash_code hash = 0;
    for (const PytreePath::Component &component : llvm::reverse(path.getComponents())) {
      hash = llvm::hash_combine(hash, component.key, component.isIndex);
      keys.push_back({type, static_cast<uint64_t>(hash) >> 2});
    }
    return keys;
  };
  TypeRange argumentTypes = signature.getEntry().getArgumentTypes();
  TypeRange resultTypes = signature.getEntry().getResultTypes();
  llvm::DenseMap<Key, SmallVector<unsigned, 2>> argumentsByEnd, resultsByEnd;
  for (auto [i, argument] : llvm::enumerate(signature.arguments))
    if (mayBeCarried(i))
      for (const Key &key : keysOf(argumentTypes[i], argument.path))
        argumentsByEnd[key].push_back(i);
  for (auto [i, result] : llvm::enumerate(signature.results))
    if (mayCarry(i))
      for (const Key &key : keysOf(resultTypes[i], result.path))
        resultsByEnd[key].push_back(i);

  constexpr unsigned kFar = 1 << 12;
  SmallVector<Candidate> candidates;
  auto consider = [&](unsigned argument, unsigned result) {
    CommonSuffix common =
        CommonSuffix::of(signature.arguments[argument].path, signature.results[result].path);
    unsigned distance = getDistance(argument, result).value_or(kFar);
    // Positions alone say too little.
    if (common.length == 0 || (common.keys == 0 && distance == kFar))
      return;
    // Names before positions, and both before distances.
    int64_t agreement = (int64_t(common.keys) << 16) + common.length;
    candidates.push_back({-agreement * (1 << 16) + distance, argument, result});
  };
  // So many equal ends cannot be told apart.
  constexpr size_t kMaxEqualEnds = 64;
  for (auto [i, argument] : llvm::enumerate(signature.arguments)) {
    size_t accesses = argument.path.getNumAccesses();
    if (!mayBeCarried(i) || accesses == 0)
      continue;
    auto &results = resultsByEnd[keysOf(argumentTypes[i], argument.path)[accesses - 1]];
    if (results.size() <= kMaxEqualEnds)
      for (unsigned result : results)
        consider(i, result);
  }
  for (auto [i, result] : llvm::enumerate(signature.results)) {
    size_t core = result.path.getNumAccesses() - result.path.getNumLeadingIndices();
    if (!mayCarry(i) || core == 0)
      continue;
    auto &arguments = argumentsByEnd[keysOf(resultTypes[i], result.path)[core - 1]];
    if (arguments.size() <= kMaxEqualEnds)
      for (unsigned argument : arguments)
        consider(argument, i);
  }
  assign(candidates, "name");
}

/// An update combines an argument with something else; `2 * x` is no update of `x`. Looks only as far
/// as it must.
bool CarriedValues::isComputedFromOthersToo(unsigned argument, unsigned result) const {
  constexpr size_t kMaxValues = 256;
  Value self = signature.getEntry().getArgument(argument);
  llvm::SmallDenseSet<Value, 16> seen;
  SmallVector<Value> worklist{signature.getValue(result)};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    auto source = dyn_cast<BlockArgument>(value);
    if (source && source.getOwner() == self.getParentBlock() && source != self &&
        !isScalarLike(source))
      return true;
    dependence.forEachDirect(value, [&](Value from) {
      if (seen.insert(from).second)
        worklist.push_back(from);
    });
    if (seen.size() > kMaxValues)
      return true;
  }
  return false;
}

void CarriedValues::pairByDataFlow(unsigned loss, const DenseSet<Value> &lossSlice) {
  // Where buffers are donated, those of next values are.
  auto isCandidateArgument = [&](unsigned i) {
    return mayBeCarried(i) && (!signature.hasDonations || signature.arguments[i].isDonated);
  };
  auto isCandidateResult = [&](unsigned i) {
    return i != loss && mayCarry(i) && !lossSlice.contains(signature.getValue(i));
  };
  auto haveNoNames = [&](unsigned argument, unsigned result) {
    return signature.results[result].name.empty() ||
           signature.arguments[argument].path.getNumAccesses() == 0;
  };

  llvm::MapVector<Type, std::pair<SmallVector<unsigned>, SmallVector<unsigned>>> byType;
  auto collect = [&] {
    byType.clear();
    for (unsigned i = 0; i < signature.arguments.size(); ++i)
      if (isCandidateArgument(i))
        byType[signature.getEntry().getArgumentTypes()[i]].first.push_back(i);
    for (unsigned i = 0; i < signature.results.size(); ++i)
      if (isCandidateResult(i))
        byType[signature.getEntry().getResultTypes()[i]].second.push_back(i);
  };

  constexpr size_t kMaxCandidates = 1 << 20;
  SmallVector<Candidate> candidates;
  collect();
  for (auto &[type, numbers] : byType) {
    auto &[arguments, results] = numbers;
    if (arguments.size() * results.size() > kMaxCandidates)
      continue;
    for (unsigned argument : arguments)
      for (unsigned result : results)
        if (haveNoNames(argument, result))
          if (std::optional<unsigned> distance = getDistance(argument, result))
            if (isComputedFromOthersToo(argument, result) || signature.arguments[argument].isDonated ||
                !isa<FloatType>(getElementTypeOrSelf(type)))
              candidates.push_back({*distance, argument, result});
  }
  assign(candidates, "data flow");

  // A scalar may be a learning rate on the one side and a metric on the other.
  collect();
  for (auto &[type, numbers] : byType) {
    auto &[arguments, results] = numbers;
    if (arguments.size() != 1 || results.size() != 1 || !haveNoNames(arguments[0], results[0]))
      continue;
    bool isFloat = isa<FloatType>(getElementTypeOrSelf(type));
    if (isFloat && (isScalarLike(signature.getValue(results[0])) ||
                    !isComputedFromOthersToo(arguments[0], results[0])))
      continue;
    pair(arguments[0], results[0],
         signature.arguments[arguments[0]].isDonated ? "attribute" : "data flow");
  }
}
