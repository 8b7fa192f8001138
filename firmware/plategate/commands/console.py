# SPDX-License-Identifier: Apache-2.0
"""`plategate console`: serve the web console; `plategate console code`: a new one-time code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plategate.terminal import Config

console = typer.Typer(
    invoke_without_command=True, help="Serve the web console, or make a one-time code for it."
)


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.add_typer(console, name="console")


@console.callback()
def serve(
    context: typer.Context,
    http: Annotated[
        bool, typer.Option("--http", help="plain HTTP, on 127.0.0.1 only; for trying it out")
    ] = False,
    rehearse: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="with a rehearsed gate on this folder of pictures"),
    ] = None,
    config: Config = None,
) -> None:
    """Serve the console until it is stopped."""
    if context.invoked_subcommand is not None:
        return
    if rehearse is not None:
        from plategate.commands.shared.rehearse_console import run_rehearsed_console

        raise typer.Exit(run_rehearsed_console(config, rehearse))
    from plategate.console.server import run_console
    from plategate.logs import log_to_stderr
    from plategate.settings import load_settings

    log_to_stderr()
    run_console(load_settings(config), secure=not http)


@console.command("code")
def code(config: Config = None) -> None:
    """Make a one-time code: for the first owner, or for an owner who lost the password."""
    from plategate.console.accounts import offer_code
    from plategate.settings import load_settings
    from plategate.users import as_owner_of

    folder = load_settings(config).console.state_dir
    with as_owner_of(folder):
        made = offer_code(folder)
    print(f"One-time code: {made[:5]}-{made[5:]}")
    print("Open the console in a browser, page /setup. The code works once.")
