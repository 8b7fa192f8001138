# SPDX-License-Identifier: Apache-2.0
"""The command line `plategate`: the root command, built from the files in `commands`.

Exit status: 0 success, 1 failure with a message, 2 wrong usage.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from plategate import commands
from plategate.errors import GateError, OutputError
from plategate.logs import log_nothing
from plategate.terminal.output import guard_output

# Commands of processes that run all the time. Each has a file of its name, and loads only that one:
# the others take 3 MB.
SERVICES = ("run", "console", "outbound")

app = typer.Typer(
    name="plategate",
    help="Read number plates, decide who may pass, run the gate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def command_files(words: Sequence[str]) -> list[str]:
    """The files in `commands` that the command line `words` needs: all, or that of a service."""
    if words and words[0] in SERVICES:
        return [words[0]]
    return [found.name for found in pkgutil.iter_modules(commands.__path__) if not found.ispkg]


for name in command_files(sys.argv[1:]):
    importlib.import_module(f"{commands.__name__}.{name}").register(app)


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
