# SPDX-License-Identifier: Apache-2.0
"""`plategate pulse`: pulse the OPEN or CLOSE relay by hand after a confirmation; for installers.

The gate must be stopped, since only one process can own the relay. CLOSE is refused unless every
safety input is known to be clear.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.settings import Settings


class Way(StrEnum):
    """The relay to pulse."""

    OPEN = "open"
    CLOSE = "close"


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("pulse")(pulse)


def pulse(
    way: Annotated[Way, typer.Argument(help="which relay")] = Way.OPEN,
    ms: Annotated[
        int | None, typer.Option(min=50, max=5000, help="length in ms; default: barrier.pulse_ms")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="skip the confirmation; for scripts")] = False,
    config: Config = None,
) -> None:
    """Pulse a relay once. The arm may move: keep it in sight."""
    from plategate.errors import PinError
    from plategate.hardware.board import opened_factory
    from plategate.hardware.gpio.relay import GpioDrive
    from plategate.settings import load_settings

    settings = load_settings(config)
    relay = getattr(settings.pins, f"{way}_relay")
    if relay is None:
        raise PinError(f"pins.{way}_relay is not set")
    bound_ms = settings.barrier.longest_pulse_ms
    length_ms = min(settings.barrier.pulse_ms if ms is None else ms, bound_ms)
    what = f"the {way.upper()} relay on GPIO {relay.pin} for {length_ms} ms"
    if not yes and not typer.confirm(f"This pulses {what}. The arm may move. Is the lane clear?"):
        print("nothing was moved")
        raise typer.Exit(1)
    with opened_factory(settings.pins) as factory:
        if way is Way.CLOSE:
            _refuse_unless_clear(settings, factory)
        drive = GpioDrive(pins=settings.pins, factory=factory, longest_pulse_s=bound_ms / 1000)
        try:
            drive.open(length_ms / 1000) if way is Way.OPEN else drive.close(length_ms / 1000)
            time.sleep(length_ms / 1000 + 0.05)
        finally:
            drive.shut_down()
    print(f"pulsed {what}")


def _refuse_unless_clear(settings: Settings, factory: Any) -> None:
    from plategate.clock import SystemClock
    from plategate.errors import PinError
    from plategate.hardware.gpio.inputs import GpioInputs
    from plategate.hardware.gpio.timers import TimerThread
    from plategate.messages import InputName, Level

    timer = TimerThread("debounce")
    inputs = GpioInputs(
        pins=settings.pins, factory=factory, clock=SystemClock(), call_later=timer.call_later
    )
    try:
        inputs.start(lambda name, level, at_s: None)  # noqa: ARG005
        for name in (InputName.PHOTOCELL, InputName.SAFETY):
            if name in inputs.wired() and inputs.level(name) is not Level.INACTIVE:
                raise PinError(f"CLOSE is refused while {name} is {inputs.level(name)}")
    finally:
        inputs.close()
        timer.close()
