// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateCall.h"

#include "noether/Kernels/Passes.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

static constexpr StringRef kName = "stablehlo.custom_call";
static constexpr StringRef kConfig = "backend_config";

/// Row-major, for each tensor: else the host compiler may choose layouts.
static ArrayAttr getLayouts(OpBuilder &builder, TypeRange types) {
  SmallVector<Attribute> layouts;
  for (Type type : types) {
    int64_t rank = cast<RankedTensorType>(type).getRank();
    SmallVector<int64_t> order(llvm::reverse(llvm::seq<int64_t>(0, rank)));
    auto kind = RankedTensorType::get({rank}, builder.getIndexType());
    layouts.push_back(DenseIntElementsAttr::get(kind, order));
  }
  return builder.getArrayAttr(layouts);
}

Operation *noether::createUpdateCall(OpBuilder &builder, Location loc, ValueRange operands,
                                     TypeRange results, ArrayRef<ResultAlias> aliases,
                                     const KernelTable &table) {
  SmallVector<Attribute> aliasAttributes;
  for (ResultAlias alias : aliases) {
    std::string tuple = results.size() == 1 ? "" : std::to_string(alias.result);
    aliasAttributes.push_back(parseAttribute(
        "#stablehlo.output_operand_alias<output_tuple_indices = [" + tuple +
            "], operand_index = " + std::to_string(alias.operand) + ", operand_tuple_indices = []>",
        builder.getContext()));
  }
  OperationState state(loc, kName, operands, results);
  state.propertiesAttr = builder.getDictionaryAttr({
      builder.getNamedAttr("api_version", builder.getI32IntegerAttr(4)),
      builder.getNamedAttr(kConfig, builder.getDictionaryAttr({})),
      builder.getNamedAttr("call_target_name", builder.getStringAttr(kUpdateTarget)),
      builder.getNamedAttr("has_side_effect", builder.getBoolAttr(false)),
      builder.getNamedAttr("operand_layouts", getLayouts(builder, operands.getTypes())),
      builder.getNamedAttr("output_operand_aliases", builder.getArrayAttr(aliasAttributes)),
      builder.getNamedAttr("result_layouts", getLayouts(builder, results)),
  });
  Operation *call = builder.create(state);
  configureUpdateCall(call, "table", builder.getDenseI64ArrayAttr(table.encode()));
  return call;
}

bool noether::isUpdateCall(Operation *op) {
  if (op->getName().getStringRef() != kName)
    return false;
  auto target = op->getAttrOfType<StringAttr>("call_target_name");
  return target && target == kUpdateTarget && op->getAttrOfType<DictionaryAttr>(kConfig);
}

void noether::configureUpdateCall(Operation *call, StringRef name, Attribute value) {
  NamedAttrList entries(call->getAttrOfType<DictionaryAttr>(kConfig));
  entries.set(name, value);
  call->setAttr(kConfig, entries.getDictionary(call->getContext()));
}
