# SPDX-License-Identifier: Apache-2.0
"""Keep what native libraries write straight to the terminal out of the program's own words."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def native_chatter_muted() -> Iterator[None]:
    """Send descriptor 2 nowhere for the duration of the block; for the start of a library only.

    TensorFlow Lite greets on it with every interpreter and takes no setting against that. What
    goes wrong is raised, not written, so nothing is lost.
    """
    if sys.stderr is None:  # started with it closed; the descriptor may be any other file now
        yield
        return
    sys.stderr.flush()
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)
