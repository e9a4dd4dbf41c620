# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command `noether`.

Exit status: 0 done, 1 the input is not a training step or is malformed (of `verify` and `check-proof`: or a claim or a
proof is false), 2 wrong usage, 3 a lint that --fail-on names.
"""

from typing import Annotated

import typer

from noether_mlir import __version__
from noether_mlir.cli.analyze import analyze_command
from noether_mlir.cli.bench import bench_command
from noether_mlir.cli.explain import explain_command
from noether_mlir.cli.export import export_command
from noether_mlir.cli.lint import lint_command
from noether_mlir.cli.proof import check_proof_command
from noether_mlir.cli.report import report_command
from noether_mlir.cli.rewrite import rewrite_command
from noether_mlir.cli.verify import verify_command
from noether_mlir.errors import NoetherError
from noether_mlir.tool import tool_version

app = typer.Typer(
    name="noether",
    help="""The symmetries of a training step, the laws they give its optimizer, and the step rewritten with them.

    \b
    Examples:
      noether analyze step.mlir            what leaves the loss unchanged, as a table
      noether report step.mlir --open      the same as a page to look at
      noether explain fc1.kernel step.mlir why a parameter has these symmetries, and no others
      noether explain N106                 what a lint means
      noether verify step.mlir             try every claim on numbers
    """,
    epilog="Exit status: 0 done, 1 the input is not a training step, 2 wrong usage, 3 a lint that --fail-on names.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            tool = tool_version()
        except NoetherError as error:
            tool = f"not found ({error})"
        typer.echo(f"noether {__version__} (noether-opt {tool})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions and exit.")
    ] = False,
) -> None:
    pass


app.command("analyze", short_help="Find the symmetries, and how the optimizer breaks them.")(analyze_command)
app.command("report", short_help="Draw all of it in one HTML file.")(report_command)
app.command("explain", short_help="Say why: a lint, a parameter, a symmetry.")(explain_command)
app.command("lint", short_help="Say what is wasted or wrong in recipes.")(lint_command)
app.command("verify", short_help="Try every claim on numbers.")(verify_command)
app.command("check-proof", short_help="Check proofs, without the solver.")(check_proof_command)
app.command("rewrite", short_help="Print the step rewritten.")(rewrite_command)
app.command("export", short_help="Print masks, blocks and pairs for other tools.")(export_command)
app.command("bench", short_help="Time updates on this machine, side by side.")(bench_command)


def main() -> None:
    """The entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
