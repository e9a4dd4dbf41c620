// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Dialect/Host/HostDialects.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;

namespace {

/// Operations of the host dialects may be inlined anywhere: they have no symbols and no hidden
/// control flow of their own, and a callee that holds them is inlined as a whole.
struct HostInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Operation *, bool) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};

template <const char *dialectName>
struct HostDialect : Dialect {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(HostDialect)

  static StringRef getDialectNamespace() { return dialectName; }

  explicit HostDialect(MLIRContext *context)
      : Dialect(dialectName, context, TypeID::get<HostDialect>()) {
    allowUnknownOperations();
    allowUnknownTypes();
    addInterfaces<HostInlinerInterface>();
  }

  Attribute parseAttribute(DialectAsmParser &parser, Type type) const override {
    return OpaqueAttr::getChecked([&] { return parser.emitError(parser.getNameLoc()); },
                                  StringAttr::get(getContext(), dialectName), parser.getFullSymbolSpec(),
                                  type ? type : NoneType::get(getContext()));
  }

  Type parseType(DialectAsmParser &parser) const override {
    return OpaqueType::getChecked([&] { return parser.emitError(parser.getNameLoc()); },
                                  StringAttr::get(getContext(), dialectName),
                                  parser.getFullSymbolSpec());
  }
};

constexpr char kStableHlo[] = "stablehlo";
constexpr char kChlo[] = "chlo";
constexpr char kSdy[] = "sdy";
constexpr char kMhlo[] = "mhlo";

template <const char *dialectName>
void insertIfMissing(DialectRegistry &registry) {
  if (!registry.getDialectAllocator(dialectName))
    registry.insert<HostDialect<dialectName>>();
}

} // namespace

void noether::registerHostDialects(DialectRegistry &registry) {
  insertIfMissing<kStableHlo>(registry);
  insertIfMissing<kChlo>(registry);
  insertIfMissing<kSdy>(registry);
  insertIfMissing<kMhlo>(registry);
}
