#!/bin/sh
# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs the Debian packages that the build needs and the machine lacks: LLVM and MLIR 22 (in
# bookworm-security for Debian 12), the build tools, GoogleTest and Python's venv. With --wheel also what a
# wheel is linked with, with --tests what
# the tests of the report are driven in: a browser, and fonts for it. It does nothing, and needs no rights, where all is
# there already.
set -eu

llvm=/usr/lib/llvm-22
missing=

# need <package> <command...>: the package is needed unless the command succeeds.
need() {
  package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_cmake() {
  version=$(cmake --version | sed -n 's/^cmake version //p') &&
    [ "$(printf '3.25\n%s\n' "$version" | sort -V | head -n 1)" = 3.25 ]
}
has_cxx_library() {
  # clang uses the headers of the newest GCC it finds.
  ls /usr/include/c++/*/vector
}

need g++ has_cxx_library
need libc6-dev test -e /usr/include/stdlib.h
need make command -v make
need cmake has_cmake
need ninja-build command -v ninja
need ccache command -v ccache
need clang-22 test -x $llvm/bin/clang++
need lld-22 test -x $llvm/bin/ld.lld
need llvm-22-dev test -e $llvm/lib/cmake/llvm/LLVMConfig.cmake
need llvm-22-tools test -x $llvm/bin/FileCheck -a -x $llvm/bin/lit
need libmlir-22-dev test -e $llvm/lib/cmake/mlir/MLIRConfig.cmake
need mlir-22-tools test -x $llvm/bin/mlir-tblgen -a -x $llvm/bin/mlir-opt
need libgtest-dev test -e /usr/include/gtest/gtest.h
need python3 command -v python3
need python3-venv python3 -c 'import ensurepip, venv'
need diffutils command -v diff
if [ "${1-}" = --wheel ]; then
  need zlib1g-dev test -e /usr/include/zlib.h
  need libzstd-dev test -e /usr/include/zstd.h
  need libedit-dev test -e /usr/include/histedit.h
fi
if [ "${1-}" = --tests ]; then
  need chromium command -v chromium
  need fonts-dejavu-core test -d /usr/share/fonts/truetype/dejavu
fi

[ -n "$missing" ] || exit 0
echo "Missing packages:$missing"

if ! command -v apt-get >/dev/null; then
  echo "This is not a Debian system: please install what corresponds to these packages." >&2
  exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Please run as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  sudo=sudo
fi
$sudo apt-get update
# shellcheck disable=SC2086 # one word per package
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
