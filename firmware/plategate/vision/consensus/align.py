# SPDX-License-Identifier: Apache-2.0
"""Align readings of one plate so that every column is about the same character.

Readings may differ in length, since a cropped plate reads shorter: a reading without a character in
a column has the view MISSING or MISSING_AT_END there. Needleman-Wunsch, reading by reading.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from plategate.vision.consensus.columns import MISSING, MISSING_AT_END, View, same_character

# Log-likelihood that one reading has a character which the other lacks.
GAP = math.log(0.02)
# Lower limit, so that two different characters share a column instead of taking two.
LEAST_OVERLAP = 1.5e-3

Column = list[View]


def align(readings: Sequence[Sequence[View]]) -> list[Column]:
    """Columns of views, one view for each reading in the given order, aligned to the first."""
    columns: list[Column] = [[view] for view in readings[0]]
    for count, reading in enumerate(readings[1:], start=1):
        columns = _merge(columns, reading, count)
    for number in range(len(readings)):
        _mark_ends(columns, number)
    return columns


def likeness(one: Sequence[View], other: Sequence[View]) -> float:
    """Share of positions with the same character: 1.0 for the same text, 0.0 for none."""
    longest = max(len(one), len(other))
    if longest == 0:
        return 1.0
    merged = _merge([[view] for view in one], other, 1)
    same = sum(a.favourite == b.favourite for a, b in merged)
    return same / longest


def _merge(columns: list[Column], reading: Sequence[View], count: int) -> list[Column]:
    """The columns with one view more each, and new columns for additional characters."""
    steps = _steps(columns, reading)
    merged: list[Column] = []
    i = j = 0
    for has_column, has_view in steps:
        column = columns[i] if has_column else [MISSING] * count
        merged.append([*column, reading[j] if has_view else MISSING])
        i, j = i + has_column, j + has_view
    return merged


def _steps(columns: list[Column], reading: Sequence[View]) -> list[tuple[bool, bool]]:
    """The most likely alignment path; (True, True) puts the view into the column."""
    if [column[0].favourite for column in columns] == [view.favourite for view in reading]:
        return [(True, True)] * len(reading)  # the same text: no other path is better
    rows, cols = len(columns), len(reading)
    best = [[0.0] * (cols + 1) for _ in range(rows + 1)]
    came = [[(False, False)] * (cols + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        for j in range(cols + 1):
            if i == j == 0:
                continue
            options = []
            if i and j:
                fits = _fit(columns[i - 1], reading[j - 1])
                options.append((best[i - 1][j - 1] + fits, (True, True)))
            if i:
                options.append((best[i - 1][j] + GAP, (True, False)))
            if j:
                options.append((best[i][j - 1] + GAP, (False, True)))
            best[i][j], came[i][j] = max(options)
    path = []
    i, j = rows, cols
    while i or j:
        step = came[i][j]
        path.append(step)
        i, j = i - step[0], j - step[1]
    return path[::-1]


def _mark_ends(columns: list[Column], number: int) -> None:
    """Replace MISSING by MISSING_AT_END outside the reading's first and last character."""
    for order in (columns, columns[::-1]):
        for column in order:
            if column[number] is not MISSING:
                break
            column[number] = MISSING_AT_END


def _fit(column: Column, view: View) -> float:
    present = [other for other in column if other is not MISSING]
    shared = max((same_character(other, view) for other in present), default=0.0)
    return math.log(max(LEAST_OVERLAP, shared))
