# SPDX-License-Identifier: Apache-2.0
"""Keep the health of the gate up to date with what the lane reports; logs carry no plates."""

from __future__ import annotations

import logging

from plategate.health.monitor import Health
from plategate.messages import Report
from plategate.values import Passage, PlateSighting

logger = logging.getLogger(__name__)

# What is reported when it comes, what when it goes, and under which name it is a failure.
BEGINS = {"fault": "barrier", "camera_lost": "camera", "sensor_stuck": "sensor"}
ENDS = {"reset": "barrier", "camera_back": "camera", "sensor_back": "sensor"}


class HealthWatcher:
    """Counts passages and reports, and names what is failing."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def recorded(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """Count it by its result."""
        del sighting
        self._health.count(f"passages.{passage.verdict.result.value}")
        logger.info(
            "passage %s: %s (%s), %s",
            passage.id,
            passage.verdict.result.value,
            passage.verdict.reason.value,
            passage.barrier,
        )

    def reported(self, report: Report) -> None:
        """Count it, and begin or end the failure that it tells of."""
        self._health.count(f"reports.{report.what}")
        sensor = report.detail.split(" ")[0] if "sensor" in report.what else ""
        if report.what in BEGINS:
            self._health.failing(_name(BEGINS[report.what], sensor), report.detail or report.what)
        elif report.what in ENDS:
            self._health.over(_name(ENDS[report.what], sensor))
        else:
            logger.warning("%s: passage %s: %s", report.what, report.passage_id, report.detail)


def _name(name: str, which: str) -> str:
    return f"{name}_{which}" if which else name
