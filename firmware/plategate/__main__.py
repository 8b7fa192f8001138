# SPDX-License-Identifier: Apache-2.0
"""Where the program starts: so little that Ctrl-C ends it without a word from the first moment."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


def main() -> None:
    """Load the command line, during which Ctrl-C ends the process at once; then run it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from plategate import cli

    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
