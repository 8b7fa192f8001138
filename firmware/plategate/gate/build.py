# SPDX-License-Identifier: Apache-2.0
"""Build the gate of a real site from its settings; the only place where its components are made.

Lines are claimed first, with every output off. A missing model, camera or list is a degraded mode;
a pin that cannot be claimed, or a journal in use by another process, ends the start.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import secrets

from plategate.access.control import open_access
from plategate.clock import SystemClock
from plategate.gate.interfaces import GateComponents
from plategate.gate.loop import Gate
from plategate.gate.reload import Reload, SettingsFile
from plategate.gate.startup import all_wired, lane_rules, mode_chooser, runtime_settings
from plategate.gate.without_relay import GateWithoutRelay
from plategate.hardware.board import open_board
from plategate.health.crash import keep_crash_reports
from plategate.health.monitor import Health, systemd_health
from plategate.health.socket import StatusSocket
from plategate.journal import Journal, open_journal
from plategate.plates.formats import all_formats
from plategate.schedule.clock_trust import ClockTrust
from plategate.settings import Settings
from plategate.vision.pipeline import build_pipeline

logger = logging.getLogger(__name__)


def run_gate(
    settings: Settings, wrong_settings: str | None = None, file: SettingsFile | None = None
) -> None:
    """Build the gate, run it until it is stopped, and close everything."""
    with contextlib.ExitStack() as stack:
        if settings.pins.used:
            build_gate(settings, stack, wrong_settings, file).run()
        else:
            build_unwired(settings, stack, wrong_settings).run()


def build_unwired(
    settings: Settings, stack: contextlib.ExitStack, wrong_settings: str | None
) -> GateWithoutRelay:
    """The gate that runs while no line is set under [pins]."""
    health = systemd_health(SystemClock())
    health.set_failure("settings", wrong_settings)
    gate = GateWithoutRelay(health, settings.health.main_hang_s)
    _serve_status(settings, health, stack)
    return gate


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
    board = open_board(
        pins=settings.pins,
        triggers=settings.triggers,
        lamps=settings.lamps,
        camera=settings.camera,
        clock=clock,
        longest_pulse_s=settings.barrier.longest_pulse_ms / 1000,
    )
    stack.callback(board.close)
    rules = lane_rules(settings.lane, settings.barrier, all_wired(board.inputs))
    trust = ClockTrust(settings.access.clock_stamp, clock)
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
        journal=_journal(settings),
        clock_trusted=trust.trusted,
        mode=mode_chooser(settings.lane, settings.access, clock, trust.trusted),
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
        reload=None
        if file is None
        else Reload(
            present=settings,
            file=file,
            prepare=functools.partial(runtime_settings, clock=clock, clock_trusted=trust.trusted),
            health=health,
            clock=clock,
        ),
    )
    keep_crash_reports(settings.health.crash_dir, settings.health.crashes_max, gate.stop)
    health.add_source("lane", lambda: gate.status().document())
    health.add_source("allow_list", gate.allow_list)
    health.add_source("new_settings", gate.new_settings)
    health.add_source("metres", board.metres)
    health.add_source("clock", lambda: {"trusted": trust.trusted(), "why": trust.why})
    _serve_status(settings, health, stack)
    return gate


def _journal(settings: Settings) -> Journal:
    journal = open_journal(settings.journal)
    for sentence in journal.notices:
        logger.warning("%s", sentence)
    return journal


def _serve_status(settings: Settings, health: Health, stack: contextlib.ExitStack) -> None:
    """Serve the status; a gate whose status socket cannot be opened runs without it."""
    try:
        socket = StatusSocket(settings.health.socket, health.status)
    except OSError as error:
        logger.error("no status at %s: %s", settings.health.socket, error.strerror)
        return
    stack.callback(socket.close)
