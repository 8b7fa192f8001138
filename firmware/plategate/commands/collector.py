# SPDX-License-Identifier: Apache-2.0
"""`plategate collector run | migrate | status | erase`: write the events of a fleet to PostgreSQL.

For a server, with the dependency group `collector`; see docs/integrator/fleet.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="Write the events of many gates to PostgreSQL (on a server)."
)
CollectorConfig = Annotated[
    Path | None,
    typer.Option("--config", help="collector.toml; default: /etc/plategate/collector.toml"),
]
DatabaseUser = Annotated[
    str | None,
    typer.Option(help="user of the database for this run, without password; default: settings"),
]


def register(root: typer.Typer) -> None:
    """Add the group to the root."""
    root.add_typer(app, name="collector")


@app.command()
def run(config: CollectorConfig = None) -> None:
    """Write events until the process is stopped."""
    from plategate.collector.run import run_collector
    from plategate.collector.settings import load_collector_settings
    from plategate.logs import log_to_stderr

    log_to_stderr()
    run_collector(load_collector_settings(config))


@app.command()
def migrate(
    config: CollectorConfig = None,
    user: DatabaseUser = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be done")] = False,
) -> None:
    """Create or update the tables, and store the retention of the settings."""
    from plategate.collector.migrate import migrate as bring_up_to_date
    from plategate.collector.settings import load_collector_settings

    lines = bring_up_to_date(load_collector_settings(config), user=user, dry_run=dry_run)
    for line in lines or ["nothing to do"]:
        print(line)


@app.command()
def status(config: CollectorConfig = None) -> None:
    """Show gates, gaps and silent gates; exit 1 if something is missing or silent."""
    from plategate.collector.settings import load_collector_settings
    from plategate.collector.status import fleet_status

    found = fleet_status(load_collector_settings(config).database)
    for line in found.lines:
        print(line)
    raise typer.Exit(0 if found.is_complete else 1)


@app.command()
def erase(
    plate: Annotated[str, typer.Argument(help="the plate of the person who asks")],
    config: CollectorConfig = None,
    key_file: Annotated[
        Path | None, typer.Option(help="plate_key_file of the gates, to find keyed hashes too")
    ] = None,
    user: DatabaseUser = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count the events")] = False,
) -> None:
    """Remove a plate, or its hash, and all names from the events that have it."""
    from plategate.collector.erase import erase_plate
    from plategate.collector.settings import load_collector_settings

    settings = load_collector_settings(config)
    count = erase_plate(settings, plate, key_file, user=user, dry_run=dry_run)
    print(f"{count} events {'have' if dry_run else 'had'} the plate")
