# SPDX-License-Identifier: Apache-2.0
"""Build the gate of a real site from its settings; the only place where its components are made.

Lines are claimed first, with every output off. A missing model, camera or list is a degraded mode.
Where a line cannot be claimed or the journal not be opened, a gate without relay runs in place.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import secrets
from collections.abc import Callable

from plategate.access.control import open_access
from plategate.clock import Clock, SystemClock
from plategate.errors import GateError
from plategate.gate.acknowledging import Acknowledging
from plategate.gate.interfaces import GateComponents
from plategate.gate.loop import Gate
from plategate.gate.occupancy import OccupancyKeeper
from plategate.gate.preview import Preview
from plategate.gate.privacy import PrivacyServices
from plategate.gate.reload import OWNER_FAILURE, Reload, SettingsFile
from plategate.gate.remote_control import serve_commands
from plategate.gate.samples import SampleKeeper
from plategate.gate.startup import all_wired, lane_rules, mode_chooser, runtime_settings
from plategate.gate.without_relay import NO_LINE, GateWithoutRelay
from plategate.hardware.board import Board, open_board
from plategate.health.crash import keep_crash_reports
from plategate.health.monitor import Health, systemd_health
from plategate.health.socket import StatusSocket
from plategate.journal import Journal, open_journal
from plategate.plates.formats import all_formats
from plategate.schedule.clock_trust import ClockTrust
from plategate.settings import Settings
from plategate.settings.health import HealthSettings
from plategate.vision.pipeline import build_pipeline

logger = logging.getLogger(__name__)


def run_gate(
    settings: Settings, wrong_settings: str | None = None, file: SettingsFile | None = None
) -> None:
    """Build the gate, run it until it is stopped, and close everything.

    A gate that cannot be built runs without relay and reports why.
    """
    reasons = {} if wrong_settings is None else {"settings": wrong_settings}
    if not settings.pins.used:
        _run_without_relay(settings.health, reasons | {"wiring": NO_LINE})
        return
    with contextlib.ExitStack() as stack:
        try:
            gate = build_gate(settings, stack, wrong_settings, file)
        except (GateError, ImportError, OSError) as error:
            reasons["start"] = f"the gate cannot start, nothing can open: {error}"
        else:
            gate.run()
            return
    _run_without_relay(settings.health, reasons, lambda: _probe(settings))


def run_without_settings(reason: str, health: HealthSettings) -> None:
    """Run without relay because the settings are invalid; a reload starts with the fixed ones."""
    sentence = f"{reason}; nothing can open: fix the file, then reload"
    _run_without_relay(health, {"settings": sentence})


def _run_without_relay(
    settings: HealthSettings, failures: dict[str, str], probe: Callable[[], None] | None = None
) -> None:
    clock = SystemClock()
    health = systemd_health(clock)
    with contextlib.ExitStack() as stack:
        _serve_status(settings, health, stack)
        GateWithoutRelay(health, settings.main_hang_s, clock, failures, probe).run()


def _probe(settings: Settings) -> None:
    """Claim and release what a gate needs; raises GateError where something is missing."""
    with contextlib.ExitStack() as stack:
        try:
            board = _open_board(settings, SystemClock())
            stack.callback(board.close)
            stack.callback(open_journal(settings.journal).close)
        except (ImportError, OSError) as error:
            raise GateError(str(error)) from error


def _open_board(settings: Settings, clock: Clock) -> Board:
    return open_board(
        pins=settings.pins,
        triggers=settings.triggers,
        lamps=settings.lamps,
        camera=settings.camera,
        clock=clock,
        longest_pulse_s=settings.barrier.longest_pulse_ms / 1000,
        lamp_file=settings.console.lamp_file,
    )


def build_gate(
    settings: Settings,
    stack: contextlib.ExitStack,
    wrong_settings: str | None = None,
    file: SettingsFile | None = None,
) -> Gate:
    """A gate ready to run; `stack` closes what `Gate.shut_down` does not.

    `wrong_settings` says why the last good settings are used instead of the file; `file` is read
    again at a reload.
    """
    clock = SystemClock()
    health = systemd_health(clock)
    health.set_failure("settings", wrong_settings)
    owner = None if file is None else file.owner
    if owner is not None:
        health.set_failure(OWNER_FAILURE, owner.problem)
    board = _open_board(settings, clock)
    stack.callback(board.close)
    rules = lane_rules(settings.lane, settings.barrier, all_wired(board.inputs))
    trust = ClockTrust(settings.access.clock_stamp, clock)
    reload = (
        None
        if file is None
        else Reload(
            present=settings,
            file=file,
            prepare=functools.partial(runtime_settings, clock=clock, clock_trusted=trust.trusted),
            health=health,
            clock=clock,
        )
    )

    def in_force() -> Settings:
        return settings if reload is None else reload.present

    samples = SampleKeeper(in_force)
    places = OccupancyKeeper(in_force, board.sign.show if board.sign else None)
    stack.callback(places.close)
    journal = _journal(settings)
    components = GateComponents(
        clock=clock,
        camera=board.camera,
        inputs=board.inputs,
        drive=board.drive,
        lamps=board.lamps,
        reader=build_pipeline(settings.vision, countries=settings.format_countries),
        access=open_access(
            settings.access, fits=all_formats().fits, countries=settings.registration_countries
        ),
        journal=journal,
        clock_trusted=trust.trusted,
        mode=mode_chooser(settings.lane, settings.access, clock, trust.trusted),
        tidies=(samples.tidy, places.tidy),
    )
    gate = Gate(
        components=components,
        rules=rules,
        lane=settings.lane.name,
        prefix=f"{clock.wall():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
        health=health,
        hang_s={
            "main": settings.health.main_hang_s,
            "camera": settings.health.camera_hang_s,
            "vision": settings.health.vision_hang_s,
            "grants": settings.health.disk_hang_s,
            "records": settings.health.disk_hang_s,
        },
        sources_dir=settings.sync.state_dir,
        observers=(samples, places),
        reload=reload,
    )
    keep_crash_reports(settings.health.crash_dir, settings.health.crashes_max, gate.stop)
    health.add_source("lane", lambda: gate.status().document())
    health.add_source("allow_list", gate.allow_list)
    health.add_source("new_settings", gate.new_settings)
    health.add_source("occupancy", places.document)
    health.add_source("metres", board.metres)
    health.add_source("camera", lambda: {"frame_age_s": board.frame_age_s()})
    health.add_source("degraded", lambda: list(components.reader.degraded))
    health.add_source("clock", lambda: {"trusted": trust.trusted(), "why": trust.why})
    _serve_status(settings.health, health, stack)
    preview = Preview(board.camera, clock)
    services = samples.services() | places.services() | preview.services()
    services |= PrivacyServices(journal, clock, gate.lane).services()
    services |= Acknowledging(journal, settings.journal.dir, clock, gate.lane).services()
    if owner is not None:
        services |= owner.services(clock.wall, gate.reload)
    server = serve_commands(settings.commands, settings.journal.dir, gate, components, services)
    for each in (server, preview.serve(settings.commands.preview_socket)):
        if each is not None:
            stack.callback(each.close)
    return gate


def _journal(settings: Settings) -> Journal:
    journal = open_journal(settings.journal)
    for sentence in journal.notices:
        logger.warning("%s", sentence)
    return journal


def _serve_status(settings: HealthSettings, health: Health, stack: contextlib.ExitStack) -> None:
    """Serve the status; a gate whose status socket cannot be opened runs without it."""
    try:
        socket = StatusSocket(settings.socket, health.status)
    except OSError as error:
        logger.error("no status at %s: %s", settings.socket, error.strerror)
        return
    stack.callback(socket.close)
