# SPDX-License-Identifier: Apache-2.0
"""`plategate settings`: every value in force and where it comes from; change or reset one.

A change goes through the command socket of the running gate, as in the console.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from plategate.terminal import Config

Why = Annotated[str, typer.Option("--why", help="the reason; kept in the journal")]
Key = Annotated[str, typer.Argument(help="the setting, such as access.strictness")]

settings = typer.Typer(
    invoke_without_command=True,
    help="Show every setting in force and where its value comes from; change or reset one.",
)


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.add_typer(settings, name="settings")


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value as JSON types and its origin: `default`, `file` with a line, or `console`."""

    key: str
    value: Any
    origin: str
    place: str

    def document(self) -> dict[str, Any]:
        """The same as JSON types."""
        return {"key": self.key, "value": self.value, "from": self.origin, "where": self.place}


@settings.callback()
def show(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="show defaults too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON for each key")] = False,
    config: Config = None,
) -> None:
    """Show what differs from the defaults, with file and line, or who changed it and why."""
    if context.invoked_subcommand is not None:
        return
    from plategate.settings import chosen_file, load_layers

    found = load_layers(config)
    file = chosen_file(config)
    text = "" if file is None else file.read_text(encoding="utf-8-sig")
    for shown in _values(found, str(file), text):
        if every or shown.origin != "default":
            if as_json:
                print(json.dumps(shown.document(), ensure_ascii=False))
            else:
                value = json.dumps(shown.value, ensure_ascii=False)
                print(f"{shown.key} = {value}  ({shown.place or shown.origin})")
    for sentence in found.ignored:
        sys.stderr.write(f"plategate: {sentence}\n")


# -5 is a value, not an option.
@settings.command("set", context_settings={"ignore_unknown_options": True})
def change(key: Key, value: str, why: Why, config: Config = None) -> None:
    """Change a setting marked *owner* in docs/installer/settings.md.

    VALUE is a number, a text, or JSON.
    """
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    _send({"key": key, "value": found}, why, config)


@settings.command("reset")
def reset(key: Key, why: Why, config: Config = None) -> None:
    """Take a change back: the value of settings.toml applies again."""
    _send({"key": key, "reset": True}, why, config)


def _values(found: Any, name: str, text: str) -> Iterator[ShownValue]:
    from plategate.settings.describe import lines_of
    from plategate.settings.overlay import tables_of

    lines = lines_of(text)
    for table, model in tables_of(type(found.settings)):
        values = getattr(found.settings, table)
        dumped = values.model_dump(mode="json")
        written = getattr(found.base, table).model_fields_set
        for key in model.model_fields:
            full = f"{table}.{key}"
            if (item := found.owner.get(full)) is not None:
                yield ShownValue(full, dumped[key], "console", f"{item.who}, {item.at}: {item.why}")
            elif key in written:
                line = lines.get(full)
                place = name if line is None else f"{name}:{line}"
                yield ShownValue(full, dumped[key], "file", place)
            else:
                yield ShownValue(full, dumped[key], "default", "")


def _send(data: dict[str, Any], why: str, config: Config) -> None:
    from plategate.remote.client import give_command
    from plategate.remote.protocol import ServiceName
    from plategate.settings import load_settings

    socket = load_settings(config).commands.socket
    print(give_command(socket, ServiceName.SETTING, why, data=data).reason)
