# SPDX-License-Identifier: Apache-2.0
"""The command line `plategate`: builds the root command out of the files in `commands`.

Exit status: 0 all went well, 1 something failed and was named, 2 wrong usage.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Annotated

import typer

from plategate import commands
from plategate.errors import GateError
from plategate.logs import log_nothing

app = typer.Typer(
    name="plategate",
    help="Read number plates, decide who may pass, run the gate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for module in pkgutil.iter_modules(commands.__path__):
    if not module.name.startswith("_"):
        importlib.import_module(f"{commands.__name__}.{module.name}").register(app)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"plategate {version('plategate')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="say it and end"),
    ] = False,
) -> None:
    """Read number plates, decide who may pass, run the gate."""
    del version  # its callback has done all


def main() -> None:
    """Run the command line; an error that we raised on purpose is one sentence on stderr."""
    log_nothing()
    try:
        app()
    except GateError as error:
        sys.stderr.write(f"plategate: {error}\n")
        sys.exit(1)
