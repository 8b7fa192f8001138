# SPDX-License-Identifier: Apache-2.0
"""The calls to lgpio when a relay's line is claimed and released, and the error messages.

Needs no board: a recorder replaces lgpio. The real one runs in scripts/emulation/gpio_machine.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from plategate.errors import PinError
from plategate.hardware.gpio import factory as gpio_factory
from plategate.hardware.gpio.factory import open_factory, pin_errors
from plategate.hardware.gpio.relay import Relay
from plategate.settings.pins import OutputPin, PinsSettings
from tests.hardware.conftest import ManualClock

pytest.importorskip("lgpio", reason="lgpio is not installed")
gpiozero_lgpio = pytest.importorskip("gpiozero.pins.lgpio")

UP, DOWN, NONE = 32, 64, 128
Calls = list[tuple[Any, ...]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every call to lgpio, without the handles."""
    notes: Calls = []
    notebook = types.SimpleNamespace(
        SET_PULL_UP=UP, SET_PULL_DOWN=DOWN, SET_PULL_NONE=NONE, BOTH_EDGES=3,
        gpiochip_open=lambda chip: chip,
        gpiochip_close=lambda _: None,
        gpio_get_mode=lambda *_: 2,
    )  # fmt: skip

    def noting(name: str) -> Callable[..., None]:
        return lambda _, *more: notes.append((name, *more))

    for name in ("gpio_free", "gpio_claim_input", "gpio_claim_output", "gpio_write"):
        setattr(notebook, name, noting(name))
    monkeypatch.setitem(sys.modules, "lgpio", notebook)
    monkeypatch.setattr(gpiozero_lgpio, "lgpio", notebook)
    monkeypatch.setattr(gpiozero_lgpio.LGPIOFactory, "_get_revision", lambda _: 0xC03114)
    return notes


@pytest.mark.parametrize(
    ("pin", "active_high", "rest", "pull"), [(17, True, 0, DOWN), (4, False, 1, UP)]
)
def test_ok__relay_line_is_claimed_at_its_idle_level_and_stays_pulled_to_it(
    calls: Calls, clock: ManualClock, pin: int, active_high: bool, rest: int, pull: int
) -> None:
    factory = open_factory(PinsSettings())
    relay = Relay(
        "open", OutputPin(pin=pin, active_high=active_high),
        factory=factory, call_later=clock.call_later, longest_s=1,
    )  # fmt: skip
    assert calls == [
        ("gpio_claim_input", pin, NONE), ("gpio_free", pin), ("gpio_claim_output", pin, rest, pull)
    ]  # fmt: skip
    calls.clear()
    relay.close()
    assert calls == [
        ("gpio_write", pin, bool(rest)), ("gpio_free", pin), ("gpio_claim_input", pin, pull)
    ]  # fmt: skip
    factory.close()


def test_fail__missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(PinError, match="apt install python3-lgpio"):
        open_factory(PinsSettings())


def test_fail__empty_library_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", types.ModuleType("lgpio"))
    with pytest.raises(PinError, match="empty package"):
        open_factory(PinsSettings())


def test_fail__not_a_pi(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(chip: int) -> int:
        raise OSError("can not open gpiochip")

    monkeypatch.setattr(gpio_factory, "_set_lgpio_folder", lambda: None)
    monkeypatch.setattr(sys.modules["lgpio"], "gpiochip_open", absent)
    with pytest.raises(PinError, match="the pins of the board: can not open gpiochip"):
        open_factory(PinsSettings())


def test_fail__lgpio_errors_become_pin_errors_and_bugs_do_not() -> None:
    failure = type("error", (Exception,), {"__module__": "lgpio"})
    with pytest.raises(PinError, match="relay: GPIO busy"), pin_errors("relay"):
        raise failure("GPIO busy")
    with pytest.raises(KeyError), pin_errors("relay"):
        raise KeyError("a bug")
