// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The target `noether_update` of XLA's foreign function interface.

#include "Runtime.h"

#include "llvm/Support/Base64.h"

#include "xla/ffi/api/ffi.h"

#include <map>
#include <shared_mutex>

namespace ffi = xla::ffi;
using namespace noether;

/// By the hash of the object: a step that is compiled again brings the same one.
static ffi::ErrorOr<KernelLibrary *> getLibrary(std::string_view key, std::string_view object,
                                                int64_t numKernels) {
  static std::shared_mutex mutex;
  static auto &libraries =
      *new std::map<std::string, std::unique_ptr<KernelLibrary>, std::less<>>();
  {
    std::shared_lock<std::shared_mutex> lock(mutex);
    if (auto it = libraries.find(key); it != libraries.end())
      return it->second.get();
  }
  std::vector<char> bytes;
  if (llvm::Error error = llvm::decodeBase64(object, bytes))
    return ffi::Unexpected(ffi::Error::InvalidArgument(llvm::toString(std::move(error))));
  std::string message;
  auto library = KernelLibrary::load({bytes.data(), bytes.size()}, numKernels, message);
  if (!library)
    return ffi::Unexpected(ffi::Error::Internal("noether_update: " + message));
  std::unique_lock<std::shared_mutex> lock(mutex);
  return libraries.try_emplace(std::string(key), std::move(library)).first->second.get();
}

static ffi::Error update(ffi::RemainingArgs args, ffi::RemainingRets rets, std::string_view key,
                         std::string_view object, int64_t numKernels,
                         ffi::Span<const int64_t> table) {
  ffi::ErrorOr<KernelLibrary *> library = getLibrary(key, object, numKernels);
  if (!library)
    return library.error();
  std::vector<void *> operands, results;
  for (size_t i = 0; i < args.size(); ++i) {
    auto buffer = args.get<ffi::AnyBuffer>(i);
    if (!buffer)
      return buffer.error();
    operands.push_back(buffer->untyped_data());
  }
  for (size_t i = 0; i < rets.size(); ++i) {
    auto buffer = rets.get<ffi::AnyBuffer>(i);
    if (!buffer)
      return buffer.error();
    results.push_back((*buffer)->untyped_data());
  }
  if (!runKernels(**library, {table.begin(), table.size()}, operands, results))
    return ffi::Error::InvalidArgument("noether_update: the table does not fit the call");
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(NoetherUpdate, update,
                              ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<std::string_view>("key")
                                  .Attr<std::string_view>("object")
                                  .Attr<int64_t>("kernels")
                                  .Attr<ffi::Span<const int64_t>>("table"));
