# SPDX-License-Identifier: Apache-2.0
"""Entry point. Kept minimal so that Ctrl-C exits without a traceback even during import."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 130  # the shell's exit status of a program ended by Ctrl-C


def main() -> None:
    """Import and run the command line; during the import Ctrl-C ends the process at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.argv[1:2] == ["run"]:
        from plategate.gate.signals import hold_signals

        hold_signals()
    from plategate import cli

    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
