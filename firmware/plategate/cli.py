# SPDX-License-Identifier: Apache-2.0
"""The command line `plategate`: the root command, built from the files in `commands`.

Exit status: 0 success, 1 failure with a message, 2 wrong usage.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from contextlib import suppress
from typing import Annotated

import typer

from plategate import commands
from plategate.errors import GateError, OutputError
from plategate.logs import log_nothing
from plategate.terminal.output import guard_output

app = typer.Typer(
    name="plategate",
    help="Read number plates, decide who may pass, run the gate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for module in pkgutil.iter_modules(commands.__path__):
    if not module.ispkg:
        importlib.import_module(f"{commands.__name__}.{module.name}").register(app)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"plategate {version('plategate')}")  # noqa: T201 -- click's echo passes the guard by
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="print the version and exit"
        ),
    ] = False,
) -> None:
    """Read number plates, decide who may pass, run the gate."""
    del version  # handled by its callback


def main() -> None:
    """Run the command line; a GateError becomes one sentence on stderr and exit status 1."""
    log_nothing()
    guard_output()
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except GateError as error:
        if sys.stderr is not None:
            with suppress(OutputError):
                sys.stderr.write(f"plategate: {error}\n")
        sys.exit(1)
