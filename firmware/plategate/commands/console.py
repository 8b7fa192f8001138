# SPDX-License-Identifier: Apache-2.0
"""`plategate console`: serve the web console, make one-time codes, manage API tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.terminal import Config
from plategate.users import as_owner_of

if TYPE_CHECKING:
    from plategate.console.tokens import Tokens

console = typer.Typer(
    invoke_without_command=True,
    help="Serve the web console, make a one-time code for it, manage its API tokens.",
)
token = typer.Typer(help="Tokens of the API (docs/integrator/api.md): add, list, revoke.")
console.add_typer(token, name="token")


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
    from plategate.console.lanes import SettingsSource
    from plategate.console.server import run_console
    from plategate.logs import log_to_stderr
    from plategate.settings import chosen_file, load_file, load_settings

    log_to_stderr()
    source = SettingsSource(lambda: load_file(config), chosen_file(config))
    run_console(load_settings(config), secure=not http, source=source)


@console.command("code")
def code(config: Config = None) -> None:
    """Make a one-time code: for the first owner, or for an owner who lost the password."""
    from plategate.console.code_announcing import Announcer
    from plategate.console.one_time_code import written
    from plategate.settings import load_settings

    print(f"One-time code: {written(Announcer(load_settings(config)).make())}")
    print("Open the console in a browser, page /setup. The code works once, for a day, and until")
    print("the next start of this machine.")


@console.command("show-code")
def show_code(config: Config = None) -> None:
    """Show the one-time code on screen, serial line and lamp until it is used; run by systemd.

    Makes a code where nobody owns the console yet.
    """
    import signal
    import threading

    from sdnotify import SystemdNotifier

    from plategate.console.code_announcing import Announcer
    from plategate.logs import log_to_stderr
    from plategate.settings import load_settings

    log_to_stderr()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    announcer = Announcer(load_settings(config))
    shown = announcer.begin()
    SystemdNotifier().notify("READY=1")
    if shown:
        announcer.watch(stopped)


@contextmanager
def _tokens(
    config: Path | None, *, new: bool = False
) -> Iterator[tuple[Tokens, Callable[[str, str], None]]]:
    """The tokens, and a function that adds a line to the audit log; as the console's user.

    Without `new`, ConsoleError where the console has no database yet.
    """
    from plategate.catalogue import texts_of
    from plategate.console.accounts import InputError
    from plategate.console.database import FILE_NAME, ConsoleDatabase
    from plategate.console.sessions import Sessions
    from plategate.console.tokens import Tokens
    from plategate.errors import ConsoleError
    from plategate.settings import load_settings

    settings = load_settings(config).console
    folder = settings.state_dir
    with as_owner_of(folder), ExitStack() as opened:
        if not new and not (folder / FILE_NAME).exists():
            raise ConsoleError(f"there are no tokens: {folder / FILE_NAME} is missing")
        database = opened.enter_context(closing(ConsoleDatabase(folder)))
        audit = Sessions(database, settings.session_hours * 3600.0)
        try:
            yield Tokens(database), lambda what, detail: audit.note("root", "local", what, detail)
        except InputError as error:
            raise ConsoleError(texts_of("en")[f"wrong.{error.key}"]) from None


@token.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="the program that will use it: A-Z a-z 0-9 . _ -")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope", help="metrics, look, people, command, lists, aim or manage; repeat it"
        ),
    ],
    days: Annotated[int, typer.Option(help="days until it expires, 1 to 3650")] = 365,
    config: Config = None,
) -> None:
    """Make a token and print it; it cannot be shown again."""
    from plategate.console.tokens import Scope
    from plategate.errors import ConsoleError

    if unknown := [each for each in scope if each not in [*Scope]]:
        raise ConsoleError(f"--scope {unknown[0]}: must be one of {', '.join(Scope)}")
    with _tokens(config, new=True) as (tokens, note):
        made = tokens.add(name, scope, days, None)
        note("token_added", f"{name}: {' '.join(scope)}, {days} d")
    print(made)


@token.command("list")
def list_tokens(
    as_json: Annotated[bool, typer.Option("--json", help="print them as JSON")] = False,
    config: Config = None,
) -> None:
    """List the tokens: scopes, who made them, expiry, last use."""
    import json

    with _tokens(config) as (tokens, _):
        found = [each.document() for each in tokens.all()]
    if as_json:
        print(json.dumps(found))
        return
    for each in found:
        print(
            f"{each['name']}: {', '.join(each['scopes'])}; made by {each['made_by']},"
            f" expires {each['expires_at']}, last used {each['seen_at'] or 'never'}"
        )


@token.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="name of the token")], config: Config = None
) -> None:
    """Revoke a token at once."""
    from plategate.errors import ConsoleError

    with _tokens(config) as (tokens, note):
        if not tokens.revoke(name):
            raise ConsoleError(f"{name}: there is no such token; see plategate console token list")
        note("token_revoked", name)
    print(f"revoked {name}")


@console.command("ca")
def ca(config: Config = None) -> None:
    """Print file and fingerprint of the console's own certificate authority."""
    from plategate.console.certificate_files import CA_FILE, fingerprint
    from plategate.settings import load_settings

    file = load_settings(config).console.state_dir / CA_FILE
    print(f"{file}\nSHA-256 {fingerprint(file)}")
