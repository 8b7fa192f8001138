# SPDX-License-Identifier: Apache-2.0
"""Build a gate on a simulated site: mock pins, a barrier that follows them, pictures as camera.

Pipeline, lists, journal and lane are the real ones. With a manual clock the gate runs inline and
hours take milliseconds; otherwise it has its threads.
"""

from __future__ import annotations

import functools
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from plategate.access.control import open_access
from plategate.clock import SystemClock
from plategate.gate.interfaces import AccessControl, BurstReader, GateComponents, Journal
from plategate.gate.loop import Gate
from plategate.gate.occupancy import OccupancyKeeper
from plategate.gate.reload import Reload, SettingsFile
from plategate.gate.samples import SampleKeeper
from plategate.gate.startup import all_wired, lane_rules, runtime_settings
from plategate.hardware.gpio.inputs import GpioInputs
from plategate.hardware.gpio.lamps import FullSign, GpioLamps
from plategate.hardware.gpio.relay import GpioDrive
from plategate.hardware.gpio.timers import TimerThread
from plategate.hardware.interfaces import Lamps
from plategate.health.monitor import Health
from plategate.journal import open_journal
from plategate.messages import InputName, Level, Mode, Report, Signal
from plategate.plates.formats import all_formats
from plategate.rehearsal.arm import RehearsalArm
from plategate.rehearsal.board import RehearsalBoard
from plategate.rehearsal.camera import RehearsalCamera
from plategate.rehearsal.clock import ManualClock
from plategate.rehearsal.distance import RehearsalDistance
from plategate.rehearsal.scenario_reader import load_scripted
from plategate.settings import Settings
from plategate.values import Passage, PlateSighting, Still
from plategate.vision.pipeline import build_pipeline

ARM_TRAVEL_S = 0.15


@dataclass
class RehearsalLog:
    """Collects passages and reports; `changed` is notified."""

    passages: list[tuple[Passage, PlateSighting | None]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def recorded(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """A passage is finished."""
        with self.changed:
            self.passages.append((passage, sighting))
            self.changed.notify_all()

    def reported(self, report: Report) -> None:
        """The lane reported something."""
        with self.changed:
            self.reports.append(report)
            self.changed.notify_all()


class SignalLog:
    """Lamps that only record the signals."""

    def __init__(self) -> None:
        self.shown: list[Signal] = []

    def show(self, signal: Signal, blinks: int = 0) -> None:
        """Record the signal."""
        del blinks
        self.shown.append(signal)

    def close(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True)
class Site:
    """A simulated site: what a rehearsal operates and observes."""

    gate: Gate
    health: Health
    board: RehearsalBoard
    arm: RehearsalArm
    camera: RehearsalCamera
    log: RehearsalLog
    lamps: Lamps
    reader: BurstReader
    distance: RehearsalDistance | None
    components: GateComponents
    samples: SampleKeeper
    places: OccupancyKeeper
    lose_power: Callable[[], None]
    close: Callable[[], None]


def build_site(
    settings: Settings,
    *,
    manual: ManualClock | None = None,
    reader: BurstReader | None = None,
    access: AccessControl | None = None,
    journal: Journal | None = None,
    travel_s: float = ARM_TRAVEL_S,
    load: Callable[[Path], Still] = load_scripted,
    mode: Callable[[], Mode] | None = None,
    prefix: str | None = None,
    log: RehearsalLog | None = None,
    arm_position: str = "down",
    file: SettingsFile | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Site:
    """A site with these settings; components that are not given are built as on the device."""
    clock = manual or SystemClock()
    timers = None if manual else TimerThread("rehearsal")
    call_later = manual.call_later if manual else timers.call_later  # type: ignore[union-attr]
    board = RehearsalBoard(settings.pins, clock)
    drive = GpioDrive(
        pins=settings.pins,
        factory=board.factory,
        longest_pulse_s=settings.barrier.longest_pulse_ms / 1000,
        call_later=call_later if manual else None,
    )
    inputs = GpioInputs(
        pins=settings.pins, factory=board.factory, clock=clock, call_later=call_later
    )
    arm = RehearsalArm(
        board,
        call_later,
        style=settings.barrier.style,
        travel_s=travel_s,
        closes_itself_after_s=settings.barrier.auto_close_s,
        limit_switches=settings.pins.arm_up is not None,
        blocked=lambda: inputs.level(InputName.PHOTOCELL) is not Level.INACTIVE,
    )
    board.rest()
    arm.force(arm_position)
    camera = RehearsalCamera(clock, load)
    distance = (
        None
        if settings.pins.distance is None
        else RehearsalDistance(settings.triggers.distance, clock)
    )
    log = log or RehearsalLog()
    health = Health(clock, notify)
    reload = (
        None
        if file is None
        else Reload(
            present=settings,
            file=file,
            prepare=functools.partial(runtime_settings, clock=clock, clock_trusted=_trusted),
            health=health,
            clock=clock,
        )
    )

    def in_force() -> Settings:
        return settings if reload is None else reload.present

    samples = SampleKeeper(in_force)
    sign = None
    if settings.pins.full_sign is not None and manual is None:
        sign = FullSign(settings.pins.full_sign, factory=board.factory)
    places = OccupancyKeeper(in_force, sign.show if sign else None)
    lamps: Lamps = (
        SignalLog()
        if manual
        else GpioLamps(
            pins=settings.pins, settings=settings.lamps, factory=board.factory, clock=clock
        )
    )
    components = GateComponents(
        clock=clock,
        camera=camera,
        inputs=(inputs,) if distance is None else (inputs, distance),
        drive=drive,
        lamps=lamps,
        reader=reader or build_pipeline(settings.vision, countries=settings.format_countries),
        access=access
        or open_access(
            settings.access, fits=all_formats().fits, countries=settings.registration_countries
        ),
        journal=journal or open_journal(settings.journal),
        clock_trusted=_trusted,
        mode=mode or (lambda: Mode(settings.lane.mode)),
        tidies=(samples.tidy, places.tidy),
    )
    gate = Gate(
        components=components,
        rules=lane_rules(settings.lane, settings.barrier, all_wired(components.inputs)),
        lane=settings.lane.name,
        prefix=prefix or f"R{clock.wall():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
        health=health,
        hang_s={},
        observers=(log, samples, places),
        reload=reload,
        inline=manual is not None,
    )

    def close() -> None:
        places.close()
        if sign is not None:
            sign.close()
        if timers is not None:
            timers.close()

    def lose_power() -> None:
        inputs.close()
        drive.shut_down()
        components.access.close()
        components.journal.close()

    return Site(
        gate=gate,
        health=health,
        board=board,
        arm=arm,
        camera=camera,
        log=log,
        lamps=lamps,
        reader=components.reader,
        distance=distance,
        components=components,
        samples=samples,
        places=places,
        lose_power=lose_power,
        close=close,
    )


def _trusted() -> bool:
    return True
