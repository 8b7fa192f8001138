# SPDX-License-Identifier: Apache-2.0
"""`plategate open | close | hold | release | reset | trigger | mode`: command the running gate.

Each goes through the command socket, like the console's buttons: the lane decides, and the journal
keeps who asked, why and from where.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from plategate.terminal import Config

Why = Annotated[str, typer.Option("--why", help="the reason; kept in the journal")]


class ModeChoice(StrEnum):
    """The modes of the command line; `scheduled` takes a commanded mode back."""

    AUTOMATIC = "automatic"
    LOCKED = "locked"
    OPEN = "open"
    SCHEDULED = "scheduled"


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command("open")(open_once)
    app.command("close")(close)
    app.command("hold")(hold)
    app.command("release")(release)
    app.command("reset")(reset)
    app.command("trigger")(trigger)
    app.command("mode")(change_mode)


def open_once(why: Why, config: Config = None) -> None:
    """Open the barrier for one vehicle."""
    _send("open", why, config)


def close(why: Why, config: Config = None) -> None:
    """Lower the arm now; refused while a safety input is not clear."""
    _send("close", why, config)


def hold(why: Why, config: Config = None) -> None:
    """Keep the arm up until `plategate release`, or until the gate restarts."""
    _send("hold", why, config)


def release(why: Why, config: Config = None) -> None:
    """End a hold; the arm comes down as soon as it is safe."""
    _send("release", why, config)


def reset(why: Why, config: Config = None) -> None:
    """Clear a latched fault, or fire once its input is quiet."""
    _send("reset", why, config)


def trigger(why: Why, config: Config = None) -> None:
    """Read whatever is in the lane, as if a sensor had tripped."""
    _send("trigger", why, config)


def change_mode(
    mode: Annotated[ModeChoice, typer.Argument(help="who may pass from now on")],
    why: Why,
    config: Config = None,
) -> None:
    """Change the mode until `plategate mode scheduled`, or until the gate restarts."""
    _send("mode", why, config, mode.value)


def _send(word: str, why: str, config: Config, mode: str | None = None) -> None:
    from plategate.messages import CommandName
    from plategate.remote.client import give_command
    from plategate.settings import load_settings

    answer = give_command(load_settings(config).commands.socket, CommandName(word), why, mode=mode)
    passage = f" (passage {answer.passage_id})" if answer.passage_id else ""
    print(f"{word}: accepted{passage}")
