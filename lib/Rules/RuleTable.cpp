// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Rules/RuleTable.h"
#include "Registry.h"
#include "noether/Rules/ConstantFold.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseMapInfo.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/StringSaver.h"

#include <cstring>

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

/// Everything a rule reads, as a list of pointers. Types and attributes are unique in their context
/// and live as long as it.
using Key = SmallVector<const void *, 16>;
using KeyRef = ArrayRef<const void *>;

/// What is the same for all operations of one name.
struct NameRecord {
  const Entry *entry = nullptr;
  bool hasInterface = false;
};

/// Appends what a rule may read of a region. False if it cannot be told by pointers.
class RegionKey {
public:
  explicit RegionKey(Key &key) : key(key) {}

  bool add(Operation *op, unsigned depth = 0) {
    if (depth > 4)
      return false;
    for (Region &region : op->getRegions()) {
      for (Block &block : region) {
        key.push_back(nullptr);
        for (BlockArgument argument : block.getArguments()) {
          key.push_back(argument.getType().getAsOpaquePointer());
          values.push_back(argument);
        }
        for (Operation &inner : block) {
          key.push_back(inner.getName().getAsOpaquePointer());
          key.push_back(inner.getPropertiesAsAttribute().getAsOpaquePointer());
          key.push_back(inner.getAttrDictionary().getAsOpaquePointer());
          if (values.size() > kMaxValues)
            return false;
          for (Value operand : inner.getOperands())
            if (!addValue(operand))
              return false;
          for (Value result : inner.getResults()) {
            key.push_back(result.getType().getAsOpaquePointer());
            values.push_back(result);
          }
          if (inner.getNumRegions() != 0 && !add(&inner, depth + 1))
            return false;
        }
      }
    }
    return values.size() <= kMaxValues;
  }

private:
  /// Bodies of more values than this are not worth a key.
  static constexpr size_t kMaxValues = 64;

  bool addValue(Value value) {
    if (auto it = llvm::find(values, value); it != values.end()) {
      key.push_back(reinterpret_cast<const void *>(uintptr_t(it - values.begin()) + 1));
      return true;
    }
    std::optional<double> captured = traceSplat(value);
    if (!captured || sizeof(void *) < sizeof(double))
      return false;
    const void *bits;
    std::memcpy(&bits, &*captured, sizeof bits);
    key.push_back(nullptr);
    key.push_back(bits);
    return true;
  }

  Key &key;
  SmallVector<Value, 8> values;
};

/// Whether a rule function can be asked about a type.
bool isCovered(Type type) {
  if (elementKind(type) == ElementKind::Other)
    return false;
  auto shaped = dyn_cast<ShapedType>(type);
  return !shaped || (isa<RankedTensorType, VectorType>(type));
}

bool isStatic(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return !shaped || shaped.hasStaticShape();
}

} // namespace

struct RuleTable::Impl {
  explicit Impl(MLIRContext *context)
      : registry(getRegistry()), ruleName(StringAttr::get(context, NoetherDialect::kRuleAttrName)),
        strings(allocator) {}

  const NameRecord &recordOf(Operation *op);
  /// The key under which the rule is cached, or false if it is not to be cached.
  bool keyOf(Operation *op, const Entry &entry, Key &key);
  RuleOutcome compute(Operation *op, const Entry &entry, RuleTable &table);
  RuleOutcome fromAttribute(Operation *op, Attribute attribute);
  RuleOutcome malformed(const Twine &message) {
    return {RuleOutcome::Kind::Malformed, RuleAttr(), strings.save(message)};
  }

  const Registry &registry;
  StringAttr ruleName;
  llvm::BumpPtrAllocator allocator;
  llvm::StringSaver strings;
  llvm::DenseMap<const void *, NameRecord> names;
  llvm::DenseMap<KeyRef, RuleOutcome> cache;
};

const NameRecord &RuleTable::Impl::recordOf(Operation *op) {
  auto [it, isNew] = names.try_emplace(op->getName().getAsOpaquePointer());
  if (!isNew)
    return it->second;
  NameRecord &record = it->second;
  record.hasInterface = isa<NoetherRuleOpInterface>(op);
  record.entry = registry.find(op->getName().getStringRef());
  if (!record.entry && isStructuredOperation(op))
    record.entry = registry.find("linalg.generic");
  return record;
}

bool RuleTable::Impl::keyOf(Operation *op, const Entry &entry, Key &key) {
  key.push_back(op->getName().getAsOpaquePointer());
  for (Type type : op->getOperandTypes())
    key.push_back(type.getAsOpaquePointer());
  key.push_back(nullptr);
  for (Type type : op->getResultTypes())
    key.push_back(type.getAsOpaquePointer());
  if (entry.reads & ReadsAttributes) {
    key.push_back(op->getPropertiesAsAttribute().getAsOpaquePointer());
    key.push_back(op->getRawDictionaryAttrs().getAsOpaquePointer());
  }
  if (entry.reads & ReadsUsers)
    for (OpResult result : op->getResults())
      key.push_back(result.use_empty() ? nullptr : this);
  if (entry.reads & ReadsConstants) {
    if (sizeof(void *) < sizeof(double))
      return false;
    for (Value operand : op->getOperands()) {
      std::optional<double> number = traceSplat(operand);
      key.push_back(nullptr);
      if (!number)
        continue;
      const void *bits;
      std::memcpy(&bits, &*number, sizeof bits);
      key.push_back(bits);
      key.push_back(this); // Tells a number from the end of the operand.
    }
  }
  return !(entry.reads & ReadsRegions) || RegionKey(key).add(op);
}

RuleOutcome RuleTable::Impl::compute(Operation *op, const Entry &entry, RuleTable &table) {
  using Kind = RuleOutcome::Kind;
  MLIRContext *context = op->getContext();
  auto barrier = [&](StringRef why) {
    return RuleOutcome{Kind::Barrier, RuleAttr::getBarrierRule(context), why};
  };
  if (entry.kind == Kind::Structural)
    return {Kind::Structural, RuleAttr(), entry.note};
  if (entry.kind == Kind::Barrier)
    return barrier(entry.note);
  if (!llvm::all_of(op->getOperandTypes(), isCovered) ||
      !llvm::all_of(op->getResultTypes(), isCovered))
    return barrier("types other than ranked tensors of numbers");
  if ((entry.reads & NeedsStaticShapes) && (!llvm::all_of(op->getOperandTypes(), isStatic) ||
                                            !llvm::all_of(op->getResultTypes(), isStatic)))
    return barrier("dynamic shapes");
  Answer answer = entry.function(Context(op, table));
  switch (answer.kind) {
  case Kind::Rule:
    if (std::optional<std::string> error = checkRule(answer.rule, op))
      return malformed(*error);
    return {Kind::Rule, answer.rule, entry.note};
  case Kind::Barrier:
    return barrier(strings.save(answer.message));
  default:
    return malformed(answer.message);
  }
}

RuleOutcome RuleTable::Impl::fromAttribute(Operation *op, Attribute attribute) {
  auto rule = dyn_cast<RuleAttr>(attribute);
  if (!rule)
    return malformed("attribute 'noether.rule' is not a rule");
  if (rule.isBarrier())
    return {RuleOutcome::Kind::Barrier, rule, "so says its attribute 'noether.rule'"};
  if (std::optional<std::string> error = checkRule(rule, op))
    return malformed("attribute 'noether.rule' does not fit: " + *error);
  return {RuleOutcome::Kind::Rule, rule, ""};
}

RuleTable::RuleTable(MLIRContext *context) : impl(std::make_unique<Impl>(context)) {}
RuleTable::~RuleTable() = default;

RuleOutcome RuleTable::find(Operation *op) {
  // The dictionary is empty for most operations.
  if (DictionaryAttr dictionary = op->getRawDictionaryAttrs(); !dictionary.empty())
    if (Attribute attribute = dictionary.get(impl->ruleName))
      return impl->fromAttribute(op, attribute);

  // By value: rules of operations in regions are looked up in between.
  NameRecord record = impl->recordOf(op);
  if (record.hasInterface) {
    if (RuleAttr rule = cast<NoetherRuleOpInterface>(op).getNoetherRule()) {
      if (rule.isBarrier())
        return {RuleOutcome::Kind::Barrier, rule, "so says its NoetherRuleOpInterface"};
      if (std::optional<std::string> error = checkRule(rule, op))
        return impl->malformed("the rule of its NoetherRuleOpInterface does not fit: " + *error);
      return {RuleOutcome::Kind::Rule, rule, ""};
    }
    return {RuleOutcome::Kind::Barrier, RuleAttr::getBarrierRule(op->getContext()),
            "its NoetherRuleOpInterface has no rule for it"};
  }
  if (!record.entry)
    return {};

  Key key;
  if (!impl->keyOf(op, *record.entry, key))
    return impl->compute(op, *record.entry, *this);
  if (auto it = impl->cache.find(key); it != impl->cache.end())
    return it->second;
  RuleOutcome outcome = impl->compute(op, *record.entry, *this);
  impl->cache.try_emplace(KeyRef(key).copy(impl->allocator), outcome);
  return outcome;
}

void RuleTable::forEachEntry(function_ref<void(StringRef, RuleOutcome::Kind, StringRef)> callback) {
  const auto &entries = getRegistry().getEntries();
  SmallVector<StringRef> names(entries.keys());
  llvm::sort(names);
  for (StringRef name : names) {
    const Entry &entry = entries.find(name)->second;
    callback(name, entry.kind, entry.note);
  }
}
