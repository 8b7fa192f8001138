# SPDX-License-Identifier: Apache-2.0
"""The alphabet of the reader networks, and the input and output sizes of the large one."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = 0  # class; the alphabet's characters follow it
CLASSES = len(ALPHABET) + 1
WIDTH, HEIGHT = 160, 48
COLUMNS = WIDTH // 4
STEPS = 2 * COLUMNS  # the top line's columns, then the bottom line's
