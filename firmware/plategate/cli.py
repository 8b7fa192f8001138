# SPDX-License-Identifier: Apache-2.0
"""The command line `plategate`: the root command, built from the files in `commands`.

Exit status: 0 success, 1 failure with a message, 2 wrong usage.
"""

from __future__ import annotations

import errno
import importlib
import pkgutil
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from plategate import commands
from plategate.errors import GateError, reason_of
from plategate.logs import log_nothing

NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

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
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except GateError as error:
        _fail(str(error))
    except OSError as error:
        # Errors of files name the file, or are a GateError already.
        if error.filename is not None or error.errno not in NOT_WRITTEN:
            raise
        _discard_output()
        _fail(f"the output cannot be written: {reason_of(error)}")


def _fail(sentence: str) -> NoReturn:
    sys.stderr.write(f"plategate: {sentence}\n")
    sys.exit(1)


def _discard_output() -> None:
    """Close stdout: Python would try once more to write what is left in its buffer."""
    with suppress(OSError):
        sys.stdout.close()
