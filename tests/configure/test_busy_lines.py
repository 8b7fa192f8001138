# SPDX-License-Identifier: Apache-2.0
"""A line that cannot be claimed does not end `plategate configure`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from plategate.errors import PinError
from plategate.settings import load_settings
from plategate.settings.pins import PinsSettings
from tests.configure.test_configure import Bench, bench

__all__ = ["bench"]


def test_fail__a_pulse_that_fails_is_named_and_the_relay_asked_for_again(
    bench: Bench, monkeypatch: Any
) -> None:
    opened = bench.open_pins
    left = [PinError("GPIO 17: GPIO operation not permitted")] * 2  # the claim, and the pulse

    @contextmanager
    def open_pins(pins: PinsSettings) -> Iterator[Any]:
        if left:
            raise left.pop()
        with opened(pins) as factory:
            yield factory

    monkeypatch.setattr(bench, "open_pins", open_pins)
    dialog = bench.dialog()
    dialog.answers["Keep this answer"] = [True]
    dialog.answers["Pulse it now"] = [True, True]
    bench.run(dialog)
    assert dialog.text.count("operation not permitted") == 2
    assert load_settings(bench.file).lane.name == "Hof"
