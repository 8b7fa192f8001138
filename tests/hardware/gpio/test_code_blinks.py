# SPDX-License-Identifier: Apache-2.0
"""The lamp blinks the one-time code so that it can be read, and only while nothing else is shown.

Real lamps on mock pins; the clock goes forward by each pause instead of waiting for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from plategate.hardware.gpio.lamps import GpioLamps, code_in
from plategate.messages import FaultCode, Signal
from plategate.settings.lamps import LampsSettings
from plategate.settings.pins import PinsSettings

WIRED = {
    "one lamp": ({"lamp": {"pin": 4}}, 4),
    "red and green": ({"red": {"pin": 20}, "green": {"pin": 21}}, 21),
    "all three": ({"red": {"pin": 20}, "green": {"pin": 21}, "blue": {"pin": 16}}, 16),
}
OTHERS = [(signal, 0) for signal in Signal if signal not in (Signal.READY, Signal.FAULT)] + [
    (Signal.FAULT, code.blinks) for code in FaultCode
]


class Bench:
    """Lamps, and what one line shows: (seconds, lit) at each change."""

    def __init__(self, factory: Any, pins: dict[str, Any], line: int, file: Path) -> None:
        self._now_s = 0.0
        self.seen: list[tuple[float, bool]] = []
        self.until = 0.0
        self._enough = threading.Event()
        self._pin = factory.pin(line)
        change = self._pin._change_state

        def noted(value: bool) -> bool:
            if not self.seen or self.seen[-1][1] != bool(value):
                self.seen.append((self._now_s, bool(value)))
            return bool(change(value))

        self._pin._change_state = noted
        bench = self

        class Jumping(threading.Condition):
            """Moves the clock instead of waiting, until enough was seen."""

            def wait(self, timeout: float | None = None) -> bool:
                if timeout is None or bench._now_s >= bench.until:
                    bench._enough.set()
                    return super().wait()
                bench._now_s += timeout + 1e-6
                return False

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("plategate.hardware.gpio.lamps.threading.Condition", Jumping)
            self.lamps = GpioLamps(
                pins=PinsSettings.model_validate(pins), settings=LampsSettings(),
                factory=factory, clock=self, code=lambda: code_in(file),  # type: ignore[arg-type]
            )  # fmt: skip

    def monotonic(self) -> float:
        return self._now_s

    def watch(self, signal: Signal, blinks: int, seconds: float) -> list[tuple[float, bool]]:
        """What the line shows in the given seconds after a signal was asked for."""
        self._enough.clear()
        with self.lamps._wake:
            self.seen.clear()
            self.until = self._now_s + seconds
            self.lamps._requested = (signal, blinks)
            self.lamps._wake.notify()
        assert self._enough.wait(60)
        return list(self.seen)


@contextmanager
def bench(factory: Any, wiring: str, file: Path) -> Iterator[Bench]:
    made = Bench(factory, *WIRED[wiring], file)
    yield made
    made.lamps.close()


def read_by_a_person(seen: list[tuple[float, bool]]) -> list[str]:
    """Every whole code: a light of seconds begins it; blinks are counted up to a longer pause."""
    codes: list[str] = []
    digits, count = None, 0
    for (at, lit), (until, _) in pairwise(seen):
        lasted = until - at
        if lit and lasted > 2:
            digits, count = "", 0
        elif lit:
            count += 1
        elif count and lasted > 1 and digits is not None:
            digits, count = digits + str(count % 10), 0
            if lasted > 3:
                codes.append(digits)
                digits = None
    return codes


@pytest.mark.parametrize("wiring", WIRED)
@pytest.mark.parametrize("code", ["12345678", "90000009", "00000000", "11111111"])
def test_ok__the_code_is_read_from_the_lamp(
    factory: Any, tmp_path: Path, wiring: str, code: str
) -> None:
    file = tmp_path / "lamp"
    file.write_text(f"{code}\n")
    with bench(factory, wiring, file) as lamps:
        assert set(read_by_a_person(lamps.watch(Signal.READY, 0, 400))) == {code}


@pytest.mark.parametrize(("signal", "blinks"), OTHERS)
def test_ok__every_other_signal_comes_first(
    factory: Any, tmp_path: Path, signal: Signal, blinks: int
) -> None:
    """A vehicle, a fault, fire, a locked or held gate, a lost camera, an old list."""
    file = tmp_path / "lamp"
    with bench(factory, "one lamp", file) as lamps:
        alone = [lit for _, lit in lamps.watch(signal, blinks, 60)]
        file.write_text("12345678\n")
        lamps.watch(Signal.READY, 0, 60)
        seen = lamps.watch(signal, blinks, 60)
        assert read_by_a_person(seen) == []
        assert abs(len(seen) - len(alone)) <= 2
        # After it the code begins again, at its beginning.
        assert read_by_a_person(lamps.watch(Signal.READY, 0, 70)) == ["12345678"]


def test_ok__a_used_code_is_shown_no_more_and_a_new_one_is(factory: Any, tmp_path: Path) -> None:
    file = tmp_path / "lamp"
    with bench(factory, "one lamp", file) as lamps:
        before = len(lamps.watch(Signal.READY, 0, 60))
        file.write_text("12345678\n")
        assert "12345678" in read_by_a_person(lamps.watch(Signal.READY, 0, 120))
        file.unlink()
        after = lamps.watch(Signal.READY, 0, 60)
        assert read_by_a_person(after) == []
        assert abs(len(after) - before) <= 2
        file.write_text("87654321\n")
        assert "87654321" in read_by_a_person(lamps.watch(Signal.READY, 0, 120))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"1234 5678",
        b"-1234567",
        b"12345678x",
        b"1" * 40,
        b"\xff\x00",
        b"\xd9\xa1" * 4,
    ],
)
def test_fail__anything_but_digits_is_no_code(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lamp"
    file.write_bytes(content)
    assert code_in(file) == ""
    assert code_in(tmp_path) == ""
    assert code_in(tmp_path / "missing") == ""
