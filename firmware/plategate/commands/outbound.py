# SPDX-License-Identifier: Apache-2.0
"""`plategate outbound run | status | test | failed | retry`: send events to other systems.

`run` is the process of plategate-outbound.service. It has the network, but no pins and no lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from plategate.terminal import Config

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer(no_args_is_help=True, help="Send events to brokers, web servers and people.")


def register(root: typer.Typer) -> None:
    """Add the group to the root."""
    root.add_typer(app, name="outbound")


@app.command()
def run(config: Config = None) -> None:
    """Send events until the process is stopped."""
    from plategate.logs import log_to_stderr
    from plategate.outbound.run import run_outbound
    from plategate.settings import load_settings

    log_to_stderr()
    run_outbound(load_settings(config))


@app.command()
def status(config: Config = None) -> None:
    """Show the position of each target; exit 1 if one gets nothing at the moment."""
    from contextlib import closing

    from plategate.errors import printable
    from plategate.journal.reader import JournalReader
    from plategate.outbound.notifications.memory import held_back
    from plategate.outbound.positions import read_positions
    from plategate.settings import load_settings

    settings = load_settings(config)
    positions = read_positions(settings.outbound.state_dir)
    with closing(JournalReader(settings.journal.dir)) as reader:
        newest, journal = reader.newest_sequence(), reader.identity()
    failing = False
    for target in settings.outbound.targets:
        position = positions.get(target.name)
        if position is None:
            print(f"{target.name}: nothing sent yet")
            continue
        waiting = newest - position.sequence if position.journal == journal else newest
        line = f"{target.name}: {max(0, waiting)} events wait"
        if position.lost:
            line += f", {position.lost} were deleted before they could be sent"
        if held := held_back(settings.outbound.state_dir, target.name):
            line += f"; not notified yet: {', '.join(held)}"
        if position.problem is not None:
            failing = True
            line += f"; failing: {printable(position.problem)}"
        print(line)
    if not settings.outbound.targets:
        print("no targets in the settings; see docs/integrator/mqtt.md and webhooks.md there")
    raise typer.Exit(1 if failing else 0)


@app.command("test")
def send_test(
    name: Annotated[str, typer.Argument(metavar="TARGET", help="name of the target")],
    config: Config = None,
) -> None:
    """Send a test message to one target and wait for its acknowledgement."""
    from plategate.outbound.probe import send_probe
    from plategate.settings import load_settings
    from plategate.users import step_down_to_owner

    settings = load_settings(config)
    step_down_to_owner(settings.outbound.state_dir)
    print(f"{name}: took message {send_probe(settings, name)}")


@app.command()
def failed(
    name: Annotated[str | None, typer.Argument(metavar="TARGET", help="default: all")] = None,
    config: Config = None,
) -> None:
    """List the messages that a web server refused, with the reason."""
    from contextlib import closing

    from plategate.errors import printable
    from plategate.outbound.dead_letters import FILE_NAME, DeadLetters

    folder = _state_folder(config, None)
    if not (folder / FILE_NAME).exists():
        return
    with closing(DeadLetters(folder)) as letters:
        found = letters.all(name)
    for letter in found:
        print(f"{letter.target} {letter.id} {letter.type} {letter.at}: {printable(letter.reason)}")


@app.command()
def retry(
    name: Annotated[str, typer.Argument(metavar="TARGET", help="name of the target")],
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="default: all")] = None,
    config: Config = None,
) -> None:
    """Try a failing target again at once, and have refused messages sent again."""
    from contextlib import closing

    from plategate.outbound.dead_letters import DeadLetters
    from plategate.outbound.positions import Positions
    from plategate.outbound.run import make_folder

    folder = _state_folder(config, name)
    make_folder(folder)
    with closing(DeadLetters(folder)) as letters, closing(Positions(folder)) as positions:
        count = letters.retry(name, ids or ())
        positions.ask_retry(name)
    print(f"{name}: tried again within seconds; {count} refused messages will be sent again")


def _state_folder(config: Config, target: str | None) -> Path:
    """The folder of the state, as its owner; SettingsError for a target that is not set."""
    from plategate.errors import SettingsError
    from plategate.settings import load_settings
    from plategate.users import step_down_to_owner

    outbound = load_settings(config).outbound
    known = [each.name for each in outbound.targets]
    if target is not None and target not in known:
        names = ", ".join(known) or "none"
        raise SettingsError(f"{target}: no target of this name in [outbound]; known: {names}")
    step_down_to_owner(outbound.state_dir)
    return outbound.state_dir
