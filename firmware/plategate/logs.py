# SPDX-License-Identifier: Apache-2.0
"""Logging to stderr, with syslog priorities when journald reads it.

One-shot commands print their results and log nothing. Plates are personal data: a log line names a
passage, never its plate.
"""

from __future__ import annotations

import logging
import os
import sys

# Syslog priorities, which journald reads from the start of a line (sd-daemon(3)).
_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.DEBUG, 7),
)


class _JournalFormatter(logging.Formatter):
    """Priority and text; journald adds time and unit."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record; every line of it starts with the priority."""
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def log_to_stderr(level: int = logging.INFO) -> None:
    """Log to stderr; for long-running processes."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("JOURNAL_STREAM"):
        handler.setFormatter(_JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # httpx logs every request at INFO; failed ones are logged by their caller.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def log_nothing() -> None:
    """Disable logging: the command prints what its user needs."""
    logging.getLogger().addHandler(logging.NullHandler())
