#!/usr/bin/env python3
# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stands in for noether-opt where a test is about what surrounds it: replies as the module's first line asks.

    // reply: FILE       write FILE as the report
    // fail: MESSAGE     fail with this diagnostic
    // crash             die by a signal
and otherwise prints the module, with the flags it was given as a comment.
"""

import os
import re
import shutil
import signal
import sys

if "--version" in sys.argv:
    print("Noether version 9.8.7")
    sys.exit()
text = sys.stdin.buffer.read().decode(errors="replace")
flags = " ".join(sys.argv[1:])
if match := re.match(r"// fail: (.*)", text):
    sys.exit(f"<stdin>:1:1: error: {match.group(1)}\n// fail\n^\n<stdin>:2:1: note: see current operation")
if text.startswith("// crash"):
    os.kill(os.getpid(), signal.SIGKILL)
report = re.search(r"json=(\S+)", flags)
if report:
    reply = re.match(r"// reply: (\S+)", text)
    shutil.copy(reply.group(1) if reply else os.environ["FAKE_REPORT"], report.group(1))
    with open(os.environ.get("FAKE_LOG", os.devnull), "w") as log:
        log.write(f"{flags}\n{text}")
else:
    sys.stdout.write(f"// {flags}\n{text}")
