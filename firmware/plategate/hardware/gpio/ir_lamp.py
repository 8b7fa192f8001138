# SPDX-License-Identifier: Apache-2.0
"""The IR lamp (setting: [pins] ir_lamp): on for a burst, off at rest, at exit and after its bound.

It is switched on before the first exposure of a burst begins. A lamp that fails costs light, never
the burst.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from plategate.clock import Clock
from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.hardware.gpio.relay import Relay
from plategate.hardware.interfaces import CallLater
from plategate.settings.pins import OutputPin

logger = logging.getLogger(__name__)

LONGEST_S = 15.0


class IrLamp:
    """A lamp for a while; what switches it is a relay with a bound of its own."""

    def __init__(
        self, pin: OutputPin, *, factory: Any, clock: Clock, call_later: CallLater
    ) -> None:
        self._clock = clock
        with pin_errors(f"IR lamp on GPIO {pin.pin}"):
            self._switch = Relay(
                "IR lamp", pin, factory=factory, call_later=call_later, longest_s=LONGEST_S
            )

    @contextlib.contextmanager
    def lit(self, since_s: float) -> Iterator[float]:
        """On within the block; the later of `since_s` and the moment at which it was on."""
        try:
            self._switch.pulse(LONGEST_S)
            since_s = max(since_s, self._clock.monotonic())
        except PinError as error:
            logger.error("%s", error)
        try:
            yield since_s
        finally:
            self._switch.off()

    def close(self) -> None:
        """Off, then let go of the line."""
        self._switch.close()
