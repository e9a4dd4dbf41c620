# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An analysis as a page: one HTML file that needs nothing else, a piece of HTML for a notebook, and Markdown."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from noether_mlir.analysis import Analysis
from noether_mlir.errors import MissingDependency
from noether_mlir.lints import lint_codes, lint_page
from noether_mlir.report.order import first_uses
from noether_mlir.report.page import page_of

__all__ = ["to_html", "to_markdown", "to_notebook"]

_FILES = resources.files(__name__)


def _markdown_text(words: str) -> str:
    """Words in which nothing is taken for markup, in a cell of a table."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", re.sub(r"\s+", " ", words))


def _markdown_code(words: str) -> str:
    """A name in code, in a cell of a table."""
    name = " ".join(words.split()).replace("`", "'").replace("|", "\\|")
    return f"`{name}`" if name else ""


@cache
def _environment(escape: bool) -> Any:
    try:
        import jinja2
    except ImportError:
        raise MissingDependency("reports need Jinja: pip install 'noether-mlir[report]'") from None
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(__name__),
        autoescape=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=escape,  # in Markdown line ends count
        lstrip_blocks=escape,
    )
    made.filters["md"], made.filters["md_code"] = _markdown_text, _markdown_code
    return made


def _static(name: str) -> Any:
    """A file of this package, to be put into a page as it is."""
    from markupsafe import Markup

    return Markup(_FILES.joinpath("static", name).read_text(encoding="utf-8"))


def _lint_pages(codes: set[str]) -> dict[str, str]:
    """The pages of lints as HTML, without their titles."""
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise MissingDependency("reports need markdown-it-py: pip install 'noether-mlir[report]'") from None
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    pages = {code: lint_page(code).partition("\n")[2] for code in codes & set(lint_codes())}
    # Headings of a page in a remark, which has a third one.
    return {code: reader.render(re.sub(r"(?m)^## ", "#### ", text)) for code, text in pages.items()}


def to_html(analysis: Analysis, text: str | bytes = "") -> str:
    """A report as one HTML file: it loads nothing, and its styles and scripts are inside.

    Args:
        text: the module that was analysed, which shows the order in which the step uses its parameters.

    Raises:
        MissingDependency: if what draws it (the extra `report`) is not installed.
    """
    page = page_of(analysis, first_uses(text, analysis.entry))
    codes = {remark.code for remark in page.remarks}
    values: Mapping[str, Any] = {
        "page": page,
        "pages": _lint_pages(codes),
        "style": _static("report.css"),
        "script": _static("report.js"),
    }
    return _environment(True).get_template("report.html.j2").render(values)


def to_notebook(analysis: Analysis) -> str:
    """A piece of HTML for a notebook: no scripts, no plots."""
    page = page_of(analysis, with_plots=False)
    return _environment(True).get_template("notebook.html.j2").render(page=page, style=_static("report.css"))


def to_markdown(analysis: Analysis) -> str:
    """An analysis as Markdown tables, for an issue or a pull request."""
    text = _environment(False).get_template("report.md.j2").render(page=page_of(analysis, with_plots=False))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
