# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The library that runs compiled updates, and how JAX calls it."""

import ctypes
import os
import re
import sys
from functools import lru_cache
from pathlib import Path

from noether_mlir.errors import ToolNotFound, UnsupportedStep
from noether_mlir.tool import find_tool

_SUFFIX = "dylib" if sys.platform == "darwin" else "so"
_NAME = f"libNoetherRuntime.{_SUFFIX}"
#: What the compiler calls the operation that runs kernels.
TARGET = "noether_update"
#: The passes that turn a step's update into kernels for this machine.
PASSES = ("--noether-outline-update", "--noether-lower-kernels-to-cpu", "--noether-compile-kernels")


def find_runtime() -> Path:
    """The path of the runtime library: $NOETHER_RUNTIME, the package's own, or the one beside `noether-opt`.

    Raises:
        ToolNotFound: if it is in none of these places.
    """
    named = os.environ.get("NOETHER_RUNTIME")
    if named:
        if not os.path.isfile(named):
            raise ToolNotFound(f"NOETHER_RUNTIME={named} is not a file")
        return Path(named)
    package = Path(__file__).resolve().parent
    beside = find_tool().resolve().parent.parent / "lib" / _NAME
    for path in (package / "lib" / _NAME, beside):
        if path.is_file():
            return path
    raise ToolNotFound(
        f"cannot find {_NAME}: build it (make build), or name it in the environment variable NOETHER_RUNTIME"
    )


@lru_cache(maxsize=1)
def load_runtime() -> ctypes.CDLL:
    """The runtime library, loaded once.

    Raises:
        ToolNotFound: if it is missing or does not load.
    """
    path = find_runtime()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ToolNotFound(f"cannot load {path}: {error}") from error
    library.noetherSetNumThreads.argtypes = [ctypes.c_uint]
    library.noetherSetNumThreads.restype = None
    library.noetherGetNumThreads.argtypes = []
    library.noetherGetNumThreads.restype = ctypes.c_uint
    return library


def set_num_threads(count: int) -> None:
    """How many threads share an update from now on; 0 for as many as this process may use. Results do not depend
    on it."""
    load_runtime().noetherSetNumThreads(count)


@lru_cache(maxsize=1)
def register_with_jax() -> None:
    """Makes `noether_update` known to XLA, on the CPU.

    Raises:
        UnsupportedStep: if the library was built without XLA's headers, or JAX runs on something else.
    """
    import jax

    library = load_runtime()
    if not hasattr(library, "NoetherUpdate"):
        raise UnsupportedStep(f"{find_runtime()} was built without the headers of jaxlib: kernels cannot run in JAX")
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(library.NoetherUpdate), platform="cpu")


def check_step(text: str) -> None:
    """Kernels are compiled for one CPU.

    Raises:
        UnsupportedStep: if JAX runs on another device, or the module on several.
    """
    import jax

    backend = jax.default_backend()
    if backend != "cpu":
        raise UnsupportedStep(f"kernels=True compiles for the CPU, and JAX runs on {backend}")
    partitions = re.search(r"mhlo\.num_partitions = (\d+)", text)
    if partitions and int(partitions.group(1)) > 1:
        raise UnsupportedStep(
            f"kernels=True runs the update on one device, and the step is for {partitions.group(1)}: leave it to XLA"
        )
