# SPDX-License-Identifier: Apache-2.0
"""The pin factory: gpiozero over lgpio, with outputs that are claimed at their idle level.

gpiozero claims an output as low and sets its level afterwards: an active-low relay would click at
every start. It also switches the pull resistor off. A missing board or library raises PinError.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plategate.errors import PinError
from plategate.settings.pins import PinsSettings

RUNTIME_DIR = Path("/run/plategate")


def open_factory(pins: PinsSettings) -> Any:
    """A gpiozero pin factory for these settings; its `close` releases every line."""
    from gpiozero.pins.mock import MockFactory

    return MockFactory() if pins.backend == "mock" else _open_lgpio(pins.chip)


@contextlib.contextmanager
def pin_errors(what: str) -> Iterator[None]:
    """Convert errors of the pin libraries into a PinError that names the device."""
    from gpiozero import GPIOZeroError

    try:
        yield
    except PinError:
        raise
    except (GPIOZeroError, OSError, RuntimeError, ValueError, AttributeError) as error:
        raise PinError(f"{what}: {error}") from error
    except Exception as error:
        # lgpio.error derives from Exception alone.
        if type(error).__module__ != "lgpio":
            raise
        raise PinError(f"{what}: {error}") from error


def _open_lgpio(chip: int | None) -> Any:
    _set_lgpio_folder()
    try:
        import lgpio
    except ImportError as error:
        raise PinError(
            f"the pin library lgpio is missing ({error}): apt install python3-lgpio"
        ) from None
    if not hasattr(lgpio, "gpiochip_open"):
        # Version 0.0.0.2 on PyPI is an empty module that installs without an error.
        raise PinError("the pin library lgpio is an empty package: apt install python3-lgpio")
    from gpiozero.pins.lgpio import LGPIOFactory

    with pin_errors("the pins of the board"):
        factory = LGPIOFactory(chip=chip)
        factory.pin_class = _idle_level_pin()
        return factory


def _idle_level_pin() -> Any:
    import lgpio
    from gpiozero.pins.lgpio import LGPIOPin

    class IdleLevelPin(LGPIOPin):  # type: ignore[misc]
        """An lgpio line that becomes an output at its idle level in one request.

        The pull resistor holds the idle level, also after the line is released or the process is
        killed; gpiozero would switch it off.
        """

        idle_pull: int | None = None

        def output_with_state(self, state: bool) -> None:
            """Claim the line as an output that has `state` from the start."""
            self.idle_pull = lgpio.SET_PULL_UP if state else lgpio.SET_PULL_DOWN
            handle, line = self.factory._handle, self._number
            lgpio.gpio_free(handle, line)  # otherwise lgpio ignores the flags of the new claim
            lgpio.gpio_claim_output(handle, line, int(state), self.idle_pull)

        def close(self) -> None:
            """Claim the line as an input; a former output stays pulled to its idle level."""
            handle, line = self.factory._handle, self._number
            if handle is None or self.idle_pull is None:
                super().close()
                return
            lgpio.gpio_free(handle, line)
            lgpio.gpio_claim_input(handle, line, self.idle_pull)

    return IdleLevelPin


def _set_lgpio_folder() -> None:
    """Give lgpio a writable folder for its pipe; the default is the working directory."""
    if "LG_WD" not in os.environ:
        usable = RUNTIME_DIR.is_dir() and os.access(RUNTIME_DIR, os.W_OK)
        os.environ["LG_WD"] = str(RUNTIME_DIR) if usable else tempfile.gettempdir()
