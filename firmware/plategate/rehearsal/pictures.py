# SPDX-License-Identifier: Apache-2.0
"""Rehearse the gate on a folder of pictures, each of which is one vehicle.

The gate runs on the main thread as on the device. A second thread simulates the vehicles and stops
the gate after the last one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from plategate.gate.reload import SettingsFile
from plategate.messages import InputName, Level
from plategate.rehearsal.board import Edge
from plategate.rehearsal.site import ARM_TRAVEL_S, Site, build_site
from plategate.settings import Settings
from plategate.settings.barrier import BarrierSettings
from plategate.settings.pins import PinsSettings
from plategate.values import Passage, PlateSighting

VEHICLE_WITHIN_S = 330.0  # longer than the reading of one burst may take
LOOK_EVERY_S = 0.01
UNDER_THE_ARM_S = 0.08
# A slow board should show how slow it is instead of recording "pipeline failed".
READ_WITHIN_S = 300.0
# Simulated contacts do not bounce.
CONTACT = {"on_ms": 0, "off_ms": 10}
PINS = PinsSettings.model_validate(
    {
        "backend": "mock",
        "open_relay": {"pin": 17},
        "beam": {"pin": 22, **CONTACT},
        "photocell": {"pin": 23, **CONTACT},
        "arm_up": {"pin": 24, **CONTACT},
        "arm_down": {"pin": 25, **CONTACT},
        "red": {"pin": 5},
        "green": {"pin": 6},
    }
)
BARRIER = BarrierSettings(
    style="pulse", pulse_ms=200, move_gap_ms=250, auto_close_s=0.1, vehicle_gap_ms=20,
    close_after_s=0, travel_s=2.0, pass_within_s=10.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsed:
    """The result of one picture; `pulses_ms` are the recorded pulses of the OPEN relay."""

    picture: Path
    passage: Passage | None
    sighting: PlateSighting | None
    pulses_ms: tuple[float, ...]


def rehearsal_settings(settings: Settings, state: Path, lists: Path | None) -> Settings:
    """The given settings with mock pins, short durations and all state in the folder `state`."""
    lane = settings.lane.model_copy(
        update={
            "triggers": ("beam",), "combine": "any", "rearm_ms": 20, "attempts": 1,
            "show_result_s": 0.0, "mode": "automatic", "schedule": (),
            "read_within_s": READ_WITHIN_S,
        }
    )  # fmt: skip
    access = settings.access.model_copy(
        update={
            "file": lists or settings.access.file,
            "visits_file": state / "visits.sqlite",
            "clock_stamp": state / "clock-stamp",
        }
    )
    return settings.model_copy(
        update={
            "pins": PINS,
            "barrier": BARRIER,
            "lane": lane,
            "access": access,
            "journal": settings.journal.model_copy(update={"dir": state}),
        }
    )


class PictureRehearsal:
    """Simulates the vehicles; calls `done` for each picture when its vehicle has left."""

    def __init__(
        self,
        settings: Settings,
        pictures: Iterable[Path],
        done: Callable[[Rehearsed], None],
        travel_s: float = ARM_TRAVEL_S,
        file: SettingsFile | None = None,
    ) -> None:
        """`travel_s` is how long the arm takes to rise; `pictures` may have no end.

        `file` is read again at a reload.
        """
        self.site: Site = build_site(settings, travel_s=travel_s, file=file)
        self._pictures = pictures
        self._done = done
        self._over = threading.Event()
        self._edges: list[Edge] = []
        self.site.board.factory.listeners.append(self._edges.append)

    @property
    def degraded(self) -> tuple[str, ...]:
        """Sentences about missing or failed models and readers."""
        return self.site.reader.degraded

    def run(self) -> bool:
        """Run to the end; False where it was stopped early."""
        vehicles = threading.Thread(target=self._play, name="vehicles", daemon=True)
        vehicles.start()
        self.site.gate.run()
        finished = self._over.is_set()
        self._over.set()
        vehicles.join(timeout=2.0)
        self.site.close()
        return finished

    def _play(self) -> None:
        try:
            self._wait(self._at_rest)
            for picture in self._pictures:
                self._done(self._one_vehicle(picture))
                if self._over.is_set():
                    return
            self._over.set()
        finally:
            self.site.gate.stop()

    def _one_vehicle(self, picture: Path) -> Rehearsed:
        site, log = self.site, self.site.log
        before = len(log.passages)
        self._edges.clear()
        site.camera.show(picture)
        site.board.put(InputName.BEAM, Level.ACTIVE)
        self._wait(lambda: len(log.passages) > before or site.arm.position == "up")
        if len(log.passages) == before:
            site.board.put(InputName.PHOTOCELL, Level.ACTIVE)
            self._over.wait(UNDER_THE_ARM_S)
        site.board.put(InputName.BEAM, Level.INACTIVE)
        site.board.put(InputName.PHOTOCELL, Level.INACTIVE)
        self._wait(lambda: len(log.passages) > before and self._at_rest())
        passage, sighting = log.passages[before] if len(log.passages) > before else (None, None)
        return Rehearsed(picture, passage, sighting, self._pulses_ms())

    def _at_rest(self) -> bool:
        status = self.site.gate.status()
        return status.armed and status.arm == "resting" and status.inputs != ()

    def _wait(self, happened: Callable[[], bool]) -> None:
        waited_s = 0.0
        while not happened() and waited_s < VEHICLE_WITHIN_S:
            if self._over.wait(LOOK_EVERY_S):
                return
            waited_s += LOOK_EVERY_S

    def _pulses_ms(self) -> tuple[float, ...]:
        pulses, on_s = [], None
        for edge in self._edges:
            relay = self.site.board.relay_of(edge)
            if relay == ("open_relay", True):
                on_s = edge.at_s
            elif relay == ("open_relay", False) and on_s is not None:
                pulses.append((edge.at_s - on_s) * 1000.0)
        return tuple(pulses)
