// A compiler that links Noether: it attaches a rule to an operation that is not Noether's.

#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

namespace {
struct CallRule
    : noether::NoetherRuleOpInterface::ExternalModel<CallRule, mlir::func::CallOp> {
  noether::RuleAttr getNoetherRule(mlir::Operation *op) const {
    return noether::RuleAttr::getBarrierRule(op->getContext());
  }
};
} // namespace

int main() {
  mlir::DialectRegistry registry;
  registry.insert<mlir::func::FuncDialect, noether::NoetherDialect>();
  registry.addExtension(+[](mlir::MLIRContext *context, mlir::func::FuncDialect *) {
    mlir::func::CallOp::attachInterface<CallRule>(*context);
  });
  noether::registerHostDialects(registry);
  noether::registerNoetherPasses();

  mlir::MLIRContext context(registry);
  context.loadDialect<noether::NoetherDialect>(); // its attributes are built by hand below
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"mlir(
    func.func private @g()
    func.func @f() {
      "stablehlo.custom"() : () -> ()
      call @g() : () -> ()
      return
    })mlir",
                                                        &context);
  if (!module)
    return 1;
  module->walk([](noether::NoetherRuleOpInterface op) {
    llvm::outs() << op->getName() << ": " << op.getNoetherRule() << "\n";
  });
  return 0;
}
