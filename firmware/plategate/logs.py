# SPDX-License-Identifier: Apache-2.0
"""Where log lines go: to stderr, in a form that journald understands when it is listening.

A one-shot command says what it has to say itself and logs nothing. Plates are personal data: a log
line names a passage, never its plate.
"""

from __future__ import annotations

import logging
import os
import sys

# Levels of syslog, which journald reads off the start of a line (sd-daemon(3)).
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
        """One record; every line of it carries the priority."""
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send the log to stderr from now on; for processes that run for long."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("JOURNAL_STREAM"):
        handler.setFormatter(_JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Says every request at INFO; a failed one is said by the part that made it.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def log_nothing() -> None:
    """Keep the log quiet: the command prints what its user needs to know."""
    logging.getLogger().addHandler(logging.NullHandler())
