# SPDX-License-Identifier: Apache-2.0
"""Build the gate of a real site out of its settings; the only place where its parts are made.

Lines are claimed first and at rest. What is missing and can be done without (models, camera, list)
is a degraded mode; a pin that cannot be had, or a journal that is taken, ends the start.
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
from plategate.gate.modes import mode_chooser
from plategate.gate.reload import Reload, SettingsFile
from plategate.gate.rules import all_wired, lane_rules
from plategate.gate.startable import startable
from plategate.gate.without_relay import GateWithoutRelay
from plategate.hardware.board import open_board
from plategate.health.crash import keep_crash_reports
from plategate.health.monitor import Health, systemd_health
from plategate.health.socket import StatusSocket
from plategate.journal import Journal, open_journal
from plategate.plates.grammar import any_country
from plategate.schedule.clock_trust import ClockTrust
from plategate.settings import Settings
from plategate.vision.pipeline import build_pipeline

logger = logging.getLogger(__name__)


def run_gate(
    settings: Settings, wrong_settings: str | None = None, file: SettingsFile | None = None
) -> None:
    """Build it, run it until it is told to stop, take it apart."""
    with contextlib.ExitStack() as stack:
        if settings.pins.used:
            build_gate(settings, stack, wrong_settings, file).run()
        else:
            build_unwired(settings, stack, wrong_settings).run()


def build_unwired(
    settings: Settings, stack: contextlib.ExitStack, wrong_settings: str | None
) -> GateWithoutRelay:
    """What runs in place of a gate while no line is set."""
    health = systemd_health(SystemClock())
    health.say("settings", wrong_settings)
    gate = GateWithoutRelay(health, settings.health.main_hang_s)
    _serve_status(settings, health, stack)
    return gate


def build_gate(
    settings: Settings,
    stack: contextlib.ExitStack,
    wrong_settings: str | None = None,
    file: SettingsFile | None = None,
) -> Gate:
    """A gate that is ready to run; `stack` takes apart what `Gate.shut_down` does not.

    `wrong_settings` says why these are not the settings that the owner wrote; `file` is what they
    are read from again while the gate runs.
    """
    clock = SystemClock()
    health = systemd_health(clock)
    health.say("settings", wrong_settings)
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
    parts = GateComponents(
        clock=clock,
        camera=board.camera,
        inputs=board.inputs,
        drive=board.drive,
        lamps=board.lamps,
        reader=build_pipeline(settings.vision),
        judge=open_access(settings.access, fits=any_country().fits),
        book=_journal(settings),
        clock_trusted=trust.trusted,
        mode=mode_chooser(settings.lane, settings.access, clock, trust.trusted),
    )
    gate = Gate(
        parts=parts,
        rules=rules,
        lane=settings.lane.name,
        prefix=f"{clock.wall():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
        health=health,
        hang_s={
            "main": settings.health.main_hang_s,
            "camera": settings.health.camera_hang_s,
            "vision": settings.health.vision_hang_s,
        },
        reload=None
        if file is None
        else Reload(
            present=settings,
            file=file,
            prepare=functools.partial(startable, clock=clock, clock_trusted=trust.trusted),
            health=health,
            clock=clock,
        ),
    )
    keep_crash_reports(settings.health.crash_dir, settings.health.crashes_max, gate.stop)
    health.tell("lane", lambda: gate.status().document())
    health.tell("allow_list", gate.allow_list)
    health.tell("new_settings", gate.new_settings)
    health.tell("metres", board.metres)
    _serve_status(settings, health, stack)
    return gate


def _journal(settings: Settings) -> Journal:
    journal = open_journal(settings.journal)
    for sentence in journal.notices:
        logger.warning("%s", sentence)
    return journal


def _serve_status(settings: Settings, health: Health, stack: contextlib.ExitStack) -> None:
    """A gate without its status socket is better than none."""
    try:
        socket = StatusSocket(settings.health.socket, health.status)
    except OSError as error:
        logger.error("no status at %s: %s", settings.health.socket, error.strerror)
        return
    stack.callback(socket.close)
