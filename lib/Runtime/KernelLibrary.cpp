// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Runtime/KernelLibrary.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

#include <algorithm>

using namespace noether;

KernelLibrary::KernelLibrary() = default;
KernelLibrary::~KernelLibrary() = default;

static llvm::Error link(std::string_view object, size_t numKernels,
                        std::unique_ptr<llvm::orc::LLJIT> &jit,
                        std::vector<KernelFunction> &kernels) {
  llvm::InitializeNativeTarget();
  auto created = llvm::orc::LLJITBuilder().create();
  if (!created)
    return created.takeError();
  jit = std::move(*created);
  // Functions of the mathematical library come from this process.
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      jit->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  jit->getMainJITDylib().addGenerator(std::move(*process));
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(object), "noether kernels");
  if (llvm::Error error = jit->addObjectFile(std::move(buffer)))
    return error;
  for (size_t i = 0; i < numKernels; ++i) {
    auto address = jit->lookup("kernel_" + std::to_string(i));
    if (!address)
      return address.takeError();
    kernels.push_back(address->toPtr<KernelFunction>());
  }
  return llvm::Error::success();
}

std::unique_ptr<KernelLibrary> KernelLibrary::load(std::string_view object, size_t numKernels,
                                                   std::string &error) {
  std::unique_ptr<KernelLibrary> library(new KernelLibrary());
  if (llvm::Error failure = link(object, numKernels, library->jit, library->kernels)) {
    error = llvm::toString(std::move(failure));
    return nullptr;
  }
  return library;
}

const KernelPlan *KernelLibrary::getPlan(std::span<const int64_t> numbers) {
  std::lock_guard<std::mutex> lock(mutex);
  for (const Planned &planned : plans)
    if (std::ranges::equal(planned.numbers, numbers))
      return planned.plan.get();
  std::optional<KernelTable> table = KernelTable::decode(numbers);
  if (!table)
    return nullptr;
  for (const KernelRun &run : table->runs)
    if (run.kernel >= int64_t(kernels.size()))
      return nullptr;
  Planned planned{{numbers.begin(), numbers.end()}, nullptr};
  planned.plan = std::make_unique<KernelPlan>(std::move(*table));
  return plans.emplace_back(std::move(planned)).plan.get();
}
