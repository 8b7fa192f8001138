# SPDX-License-Identifier: Apache-2.0
"""What happened at the gate, stored so that a power cut loses nothing that was granted."""

from __future__ import annotations

from plategate.journal.journal import EVIDENCE, INTERRUPTED, STORE, Journal
from plategate.journal.opening import open_journal

__all__ = ["EVIDENCE", "INTERRUPTED", "STORE", "Journal", "open_journal"]
