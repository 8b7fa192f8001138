# SPDX-License-Identifier: Apache-2.0
"""`plategate occupancy`: vehicles inside by group, and correction by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plategate.errors import printable
from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.access.occupancy import Occupancy

WHOLE_SITE = "all vehicles"


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(
        help="Vehicles inside, by group of the lists.",
        no_args_is_help=False,
        invoke_without_command=True,
    )
    group.callback()(show)
    # -5 is a number that is out of range, not an option.
    group.command("set", context_settings={"ignore_unknown_options": True})(correct)
    app.add_typer(group, name="occupancy")


def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    config: Config = None,
) -> None:
    """Show how many vehicles are inside, and how many places there are."""
    if context.invoked_subcommand is not None:
        return
    found = _counted(config)
    if as_json:
        print(json.dumps([group.document() for group in found], ensure_ascii=False))
        return
    for group in found:
        print(line_of(group.document()))


def correct(
    inside: Annotated[int, typer.Argument(min=0, help="how many vehicles are really inside")],
    why: Annotated[str, typer.Option(help="the reason; kept in the journal")],
    group: Annotated[
        str, typer.Option(help="group of the lists; without it the whole site is meant")
    ] = "",
    config: Config = None,
) -> None:
    """Correct the number of vehicles inside; asks the running gate."""
    from plategate.remote.client import give_command
    from plategate.remote.protocol import ServiceName
    from plategate.settings import load_settings

    socket = load_settings(config).commands.socket
    data = {"group": group, "inside": inside}
    answer = give_command(socket, ServiceName.OCCUPANCY, why, data=data)
    print(printable(answer.reason))


def line_of(group: dict[str, Any]) -> str:
    """One group in one line; a document of `Occupancy`."""
    name = printable(group["name"]) or WHOLE_SITE
    if group["places"] is None:
        return f"{name}: {group['inside']}"
    full = ", full" if group["full"] else ""
    return f"{name}: {group['inside']} of {group['places']} places{full}"


def _counted(config: Config) -> tuple[Occupancy, ...]:
    """What visits.sqlite says; it is shared by all lanes, and readable while no gate runs."""
    from contextlib import closing

    from plategate.access.occupancy import quotas_of
    from plategate.access.visits import VisitStore
    from plategate.settings import load_settings
    from plategate.users import as_owner_of

    access = load_settings(config).access
    quotas = quotas_of(access)
    folder = access.visits_file.parent
    with as_owner_of(folder), closing(VisitStore(access.visits_file)) as visits:
        return visits.occupancy(quotas)
