# SPDX-License-Identifier: Apache-2.0
"""Remember which parts of the pipeline are missing or failing, and say each change once."""

from __future__ import annotations

import logging

import cv2

from plategate.errors import GateError

logger = logging.getLogger(__name__)

# What a part may raise without taking the still with it. OpenCV's error is a bare Exception.
PART_FAILURES: tuple[type[Exception], ...] = (
    ArithmeticError,
    GateError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    cv2.error,
)


class Degraded:
    """What the pipeline has to do without, one sentence a part."""

    def __init__(self) -> None:
        self._sentences: dict[str, str] = {}

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for every part that is missing or failing now."""
        return tuple(self._sentences.values())

    def lost(self, part: str, reason: str) -> None:
        """A part is missing or failed; logged only if it was well before."""
        if part not in self._sentences:
            logger.warning("working without %s: %s", part, reason)
        self._sentences[part] = f"working without {part}: {reason}"

    def worse(self, part: str, sentence: str) -> None:
        """A part works, but not as well as it should."""
        logger.warning("%s: %s", part, sentence)
        self._sentences[f"{part} as it should be"] = f"{part}: {sentence}"

    def well(self, part: str) -> None:
        """A part did its work; logged only if it had failed before."""
        if self._sentences.pop(part, None) is not None:
            logger.info("%s works again", part)
