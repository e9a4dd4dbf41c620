// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_VERSION_H
#define NOETHER_VERSION_H

namespace noether {

/// "0.1.0".
const char *getVersion();

} // namespace noether

#endif // NOETHER_VERSION_H
