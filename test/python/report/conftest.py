# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A report of a small language model, and a browser to look at it with."""

import contextlib
import shutil
import sys
from pathlib import Path

import jax
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def analysed():
    """The analysis of the model, with proofs, and the text of its step."""
    from noether_mlir.analysis import analyze_text
    from noether_mlir.lowering import lower_to_text

    sys.path.insert(0, str(HERE))
    import model

    sys.path.remove(str(HERE))
    with jax.enable_x64(False):
        text = lower_to_text(*model.make()).text
    return analyze_text(text, "model.py:make", derivations=True), text


@pytest.fixture(scope="session")
def page_file(analysed, tmp_path_factory):
    """The report as a file."""
    from noether_mlir.report import to_html

    path = tmp_path_factory.mktemp("report") / "report.html"
    with contextlib.chdir(HERE.parent):  # what locations are relative to
        path.write_text(to_html(*analysed), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def chromium():
    """A browser without a window; Debian's, since nothing is to be downloaded by a test."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path, "no Chromium: tools/install-dependencies.sh --tests installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
