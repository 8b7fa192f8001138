# SPDX-License-Identifier: Apache-2.0
"""`plategate list sync | preview | serve`: the processes of the user who owns the lists.

`sync` updates lists and records from their sources; plategate-sync.timer runs it. `preview` keeps
what the next sync would change for the console; plategate-sync-preview.path starts it. `serve`
changes the lists for the console and has no network; plategate-lists.socket starts it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.lists import app as list_app
from plategate.commands.shared.lists import State, change_sentence, erased_plates
from plategate.terminal import Config
from plategate.users import user_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plategate.access.sync.source import SourceProgress
    from plategate.access.sync.sync import SyncReport


def register(root: typer.Typer) -> None:
    """Add the command to the group `list`."""
    del root  # `list` is a group of its own
    list_app.command("sync")(sync)
    list_app.command("preview")(preview)
    list_app.command("serve")(serve)


def sync(
    dry_run: Annotated[bool, typer.Option(help="only show what would change")] = False,
    force: Annotated[
        bool, typer.Option(help="accept empty, shrunk or older lists; never unsigned ones")
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            help="print only changes: a failure once when it begins and once when it ends"
        ),
    ] = False,
    config: Config = None,
    state: State = None,
) -> None:
    """Download and check every source, put in force what is new; exit 1 if any source failed."""
    from plategate.access.sync.checks import SyncOptions
    from plategate.access.sync.sync import sync_lists
    from plategate.clock import SystemClock
    from plategate.list_service.preview import forget_old_preview
    from plategate.schedule.zone import site_zone
    from plategate.settings import load_settings
    from plategate.users import step_down_to_owner

    settings = load_settings(config)
    store, sources = settings.access.file, settings.sync
    if state is not None:
        store = state / store.name
        sources = sources.model_copy(update={"state_dir": state / "sources"})
    if not sources.sources:
        print("no sources in the settings: nothing to sync (see [[sync.sources]])")
        return
    options = SyncOptions(
        SystemClock().wall(),
        site_zone(settings.access.zone),
        user_name(),
        force,
        dry_run,
        settings.access.list_undo_days,
        erased_plates(config),
    )
    if not dry_run:
        step_down_to_owner(sources.state_dir)
        forget_old_preview(sources.state_dir, options.at)
    with _progress(shown=sys.stderr.isatty() and not quiet) as progress:
        report = sync_lists(sources, store, options, progress)
    _print_report(report, dry_run=dry_run, quiet=quiet)
    if not report.all_well:
        raise typer.Exit(1)


def preview(config: Config = None) -> None:
    """Keep what the next sync would change, for the console; exit 1 if any source failed."""
    from plategate.access.sync.checks import SyncOptions
    from plategate.clock import SystemClock
    from plategate.list_service.preview import make_preview
    from plategate.schedule.zone import site_zone
    from plategate.settings import load_settings
    from plategate.users import step_down_to_owner

    settings = load_settings(config)
    step_down_to_owner(settings.sync.state_dir)
    options = SyncOptions(
        SystemClock().wall(),
        site_zone(settings.access.zone),
        user_name(),
        undo_days=settings.access.list_undo_days,
        erased=erased_plates(config),
    )
    report = make_preview(settings, options)
    _print_report(report, dry_run=True, quiet=False)
    if not report.all_well:
        raise typer.Exit(1)


def serve(config: Config = None) -> None:
    """Change the lists for the users of access.list_users, over the socket access.list_socket."""
    from plategate.list_service.server import run_list_service
    from plategate.logs import log_to_stderr
    from plategate.settings import load_settings
    from plategate.users import step_down_to_owner

    log_to_stderr()
    settings = load_settings(config)
    step_down_to_owner(settings.access.file.parent)
    run_list_service(settings)


def _print_report(report: SyncReport, *, dry_run: bool, quiet: bool) -> None:
    for result in report.results:
        good = result.outcome.good
        if result.changed or not quiet:
            line = f"{result.source} ({result.kind}): {result.outcome}: {result.message}"
            print(line, file=sys.stdout if good else sys.stderr)
    for failure in report.failures:
        print(failure, file=sys.stderr)
    if quiet:
        return
    prefix = "would be: " if dry_run else "in force: "
    for change in report.changes:
        print(prefix + change_sentence(change))
    if report.records is not None:
        print(f"{prefix}{report.records} vehicle records")


@contextmanager
def _progress(*, shown: bool) -> Iterator[SourceProgress | None]:
    if not shown:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

    from plategate.terminal.console import Console

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(name: str, received: int, size: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=size)
            bars.update(tasks[name], completed=received, total=size)

        yield update
