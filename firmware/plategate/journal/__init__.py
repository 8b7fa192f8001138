# SPDX-License-Identifier: Apache-2.0
"""What happened at the gate, kept so that a pulled plug loses nothing that was granted."""

from __future__ import annotations

from plategate.journal.writer import EVIDENCE, INTERRUPTED, STORE, Journal, open_journal

__all__ = ["EVIDENCE", "INTERRUPTED", "STORE", "Journal", "open_journal"]
