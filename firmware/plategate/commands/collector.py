# SPDX-License-Identifier: Apache-2.0
"""`plategate collector run | migrate | status`: write the events of a fleet to PostgreSQL.

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
    user: Annotated[
        str | None,
        typer.Option(help="user of the database for this run, without password; default: settings"),
    ] = None,
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
