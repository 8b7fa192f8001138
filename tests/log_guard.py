# SPDX-License-Identifier: Apache-2.0
"""Fail every test in which a log line of the firmware names one of the plates that tests use.

Loaded by tests/conftest.py. So each log line that any test makes a unit write is checked: gate,
sync, list service, outbound, console.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from plategate.plate_data.mention import Mention

# The plates of the areas' own tests.
PLATES = (
    "AB12CDE", "BAB1234", "BCD3456", "BAB1200", "KXY789", "MA8123", "MAB123", "QQ1111ZZ",
    "QQ1234ZZ", "QQ2222ZZ", "SECRET1", "SECRET2",
)  # fmt: skip
MENTIONS = tuple(map(Mention, PLATES))


class PlateGuard(logging.Handler):
    """Keeps the messages that name a plate."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look for plates in the message and its traceback."""
        text = record.getMessage()
        if any(mention.is_in(text) for mention in MENTIONS):
            self.found.append(f"{record.pathname}:{record.lineno}: {text}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Watch the loggers of the firmware during a test."""
    guard, loggers = PlateGuard(), logging.getLogger("plategate")
    level = loggers.level
    loggers.addHandler(guard)
    loggers.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        loggers.removeHandler(guard)
        loggers.setLevel(level)
    assert guard.found == [], "a plate is in the log"
