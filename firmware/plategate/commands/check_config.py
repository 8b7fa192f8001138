# SPDX-License-Identifier: Apache-2.0
"""`plategate check-config`: check whether a gate can start with a settings file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plategate.settings.access import AccessSettings


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("check-config")(check_config)


def check_config(
    file: Annotated[
        Path | None, typer.Argument(help="settings.toml; default: the installed one")
    ] = None,
) -> None:
    """Check a settings file; names file, key, value and limit of every error."""
    from plategate.gate.startup import load_startable
    from plategate.gate.without_relay import NO_LINE
    from plategate.settings import load_layers

    settings = load_startable(file)
    for sentence in load_layers(file).ignored:
        print(f"{file or 'settings'}: {sentence}")
    for key in settings.superseded_keys:
        print(f"{file or 'settings'}: {key}: superseded by plates.countries")
    for sentence in _groups_without_entries(settings.access):
        print(f"{file or 'settings'}: access.groups: {sentence}")
    print(f"{file or 'settings'}: valid" + ("" if settings.pins.used else f"; {NO_LINE}"))


def _groups_without_entries(settings: AccessSettings) -> Iterator[str]:
    """One sentence for each group whose quota limits nobody with the lists of this machine."""
    from contextlib import closing

    from plategate.access.occupancy import groups_without_entries, quotas_of
    from plategate.access.store.database import open_for_reading
    from plategate.errors import StoreError

    if not settings.groups:
        return
    try:
        with closing(open_for_reading(settings.file)) as lists:
            unused = groups_without_entries(lists, quotas_of(settings))
    except StoreError as error:
        yield f"not compared with the lists: {error}"
        return
    for name in unused:
        yield f"{name!r}: no entry of the allow list is of this group, so its places limit nobody"
