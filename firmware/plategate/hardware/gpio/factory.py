# SPDX-License-Identifier: Apache-2.0
"""Open the board's pins: gpiozero over lgpio with outputs that take their first level in one step.

gpiozero makes a line an output at low and sets its level afterwards, so that a relay switched on by
a low line clicks at every start, and leaves the line without any pull resistor. A missing board or
library is one sentence in a PinError.
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
    """A gpiozero pin factory for these settings; its `close` lets go of every line."""
    from gpiozero.pins.mock import MockFactory

    return MockFactory() if pins.backend == "mock" else _open_lgpio(pins.chip)


@contextlib.contextmanager
def pin_errors(what: str) -> Iterator[None]:
    """Turn whatever the pin libraries raise into a PinError that names the device."""
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
    _give_lgpio_a_folder()
    try:
        import lgpio
    except ImportError as error:
        raise PinError(
            f"the pin library lgpio is missing ({error}): apt install python3-lgpio"
        ) from None
    if not hasattr(lgpio, "gpiochip_open"):
        # Version 0.0.0.2 of the index is an empty module that installs without complaint.
        raise PinError("the pin library lgpio is an empty shell: apt install python3-lgpio")
    from gpiozero.pins.lgpio import LGPIOFactory

    with pin_errors("the pins of the board"):
        factory = LGPIOFactory(chip=chip)
        factory.pin_class = _one_step_pin()
        return factory


def _one_step_pin() -> Any:
    import lgpio
    from gpiozero.pins.lgpio import LGPIOPin

    class OneStepPin(LGPIOPin):  # type: ignore[misc]
        """An lgpio line that becomes an output at its resting level, and is pulled to it for good.

        The pull stays when the line is let go or the process is killed; gpiozero switches it off.
        """

        rest_pull: int | None = None

        def output_with_state(self, state: bool) -> None:
            """Become an output that carries `state` from the first moment."""
            self.rest_pull = lgpio.SET_PULL_UP if state else lgpio.SET_PULL_DOWN
            handle, line = self.factory._handle, self._number
            lgpio.gpio_free(handle, line)  # without this the flags are not taken over
            lgpio.gpio_claim_output(handle, line, int(state), self.rest_pull)

        def close(self) -> None:
            """Become an input; one that was an output is still pulled to its resting level."""
            handle, line = self.factory._handle, self._number
            if handle is None or self.rest_pull is None:
                super().close()
                return
            lgpio.gpio_free(handle, line)
            lgpio.gpio_claim_input(handle, line, self.rest_pull)

    return OneStepPin


def _give_lgpio_a_folder() -> None:
    """lgpio keeps a pipe in the working directory, which a service may not write to."""
    if "LG_WD" not in os.environ:
        usable = RUNTIME_DIR.is_dir() and os.access(RUNTIME_DIR, os.W_OK)
        os.environ["LG_WD"] = str(RUNTIME_DIR) if usable else tempfile.gettempdir()
