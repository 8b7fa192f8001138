# SPDX-License-Identifier: Apache-2.0
"""Keep track of the parts of the pipeline that are missing or failing; log each change once."""

from __future__ import annotations

import logging

import cv2

from plategate.errors import GateError

logger = logging.getLogger(__name__)

# Exceptions of a localizer or reader that the pipeline survives. cv2.error is a bare Exception.
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
    """The degraded modes of one pipeline: one sentence for each part concerned."""

    def __init__(self) -> None:
        self._sentences: dict[str, str] = {}

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for every part that is missing, failing or impaired now."""
        return tuple(self._sentences.values())

    def failed(self, part: str, reason: str) -> None:
        """Record that a part is missing or failed; logged only if it worked before."""
        if part not in self._sentences:
            logger.warning("working without %s: %s", part, reason)
        self._sentences[part] = f"working without {part}: {reason}"

    def impaired(self, part: str, sentence: str) -> None:
        """Record that a part works with lower quality or speed than intended."""
        logger.warning("%s: %s", part, sentence)
        self._sentences[f"{part} impaired"] = f"{part}: {sentence}"

    def works(self, part: str) -> None:
        """Record that a part did its work; logged only if it had failed before."""
        if self._sentences.pop(part, None) is not None:
            logger.info("%s works again", part)
