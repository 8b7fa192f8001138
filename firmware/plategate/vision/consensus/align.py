# SPDX-License-Identifier: Apache-2.0
"""Lay readings of one plate side by side, so that every column is about the same character.

A plate that is cut reads shorter, so readings of different length are expected: a reading that
has no character in a column is there with the view MISSING or MISSING_AT_END.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from plategate.vision.consensus.columns import MISSING, MISSING_AT_END, View, overlap

# Log-likelihood of one reading having a character that the other does not have.
GAP = math.log(0.02)
# Two characters that have nothing in common still stand in one column rather than in two.
LEAST_OVERLAP = 1.5e-3

Column = list[View]


def align(readings: Sequence[Sequence[View]]) -> list[Column]:
    """Columns of views, one view for each reading in the order given; the first one leads."""
    columns: list[Column] = [[view] for view in readings[0]]
    for count, reading in enumerate(readings[1:], start=1):
        columns = _merge(columns, reading, count)
    for number in range(len(readings)):
        _mark_ends(columns, number)
    return columns


def likeness(one: Sequence[View], other: Sequence[View]) -> float:
    """How well two readings go together: 1.0 for the same text, 0.0 for nothing in common."""
    longest = max(len(one), len(other))
    if longest == 0:
        return 1.0
    merged = _merge([[view] for view in one], other, 1)
    same = sum(a.favourite == b.favourite for a, b in merged)
    return same / longest


def _merge(columns: list[Column], reading: Sequence[View], count: int) -> list[Column]:
    """The columns with one more view each; new columns where only the new reading has one."""
    steps = _steps(columns, reading)
    merged: list[Column] = []
    i = j = 0
    for has_column, has_view in steps:
        column = columns[i] if has_column else [MISSING] * count
        merged.append([*column, reading[j] if has_view else MISSING])
        i, j = i + has_column, j + has_view
    return merged


def _steps(columns: list[Column], reading: Sequence[View]) -> list[tuple[bool, bool]]:
    """The likeliest walk through both: (True, True) puts the view into the column."""
    if [column[0].favourite for column in columns] == [view.favourite for view in reading]:
        return [(True, True)] * len(reading)  # the same text: no other walk fits better
    rows, cols = len(columns), len(reading)
    best = [[0.0] * (cols + 1) for _ in range(rows + 1)]
    came = [[(False, False)] * (cols + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        for j in range(cols + 1):
            if i == j == 0:
                continue
            ways = []
            if i and j:
                fits = _fit(columns[i - 1], reading[j - 1])
                ways.append((best[i - 1][j - 1] + fits, (True, True)))
            if i:
                ways.append((best[i - 1][j] + GAP, (True, False)))
            if j:
                ways.append((best[i][j - 1] + GAP, (False, True)))
            best[i][j], came[i][j] = max(ways)
    walk = []
    i, j = rows, cols
    while i or j:
        step = came[i][j]
        walk.append(step)
        i, j = i - step[0], j - step[1]
    return walk[::-1]


def _mark_ends(columns: list[Column], number: int) -> None:
    """Before its first and behind its last character a reading may have been cut off."""
    for order in (columns, columns[::-1]):
        for column in order:
            if column[number] is not MISSING:
                break
            column[number] = MISSING_AT_END


def _fit(column: Column, view: View) -> float:
    present = [other for other in column if other is not MISSING]
    shared = max((overlap(other, view) for other in present), default=0.0)
    return math.log(max(LEAST_OVERLAP, shared))
