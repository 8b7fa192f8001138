# SPDX-License-Identifier: Apache-2.0
"""Formats the rates as Markdown tables and as an SVG curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matching.simulate import Counted
from matching.trials import Rates

WIDTH, HEIGHT, EDGE = 640, 420, 60
COLOURS = {"exact": "#1b6ca8", "lookalike": "#d17a00", "likely": "#2a8f4f"}
LEAST_SHOWN = 1e-5


def percent(part: float, whole: float, digits: int = 1) -> str:
    """A share as text; an upper bound if nothing was counted."""
    if not whole:
        return "-"
    if not part:
        return f"0 (< {300 / whole:.2g} %)"
    return f"{100 * part / whole:.{digits}f} %"


def real_table(found: Sequence[Rates]) -> str:
    """One line for each level, list size and burst length."""
    lines = [
        "| strictness | list | stills | passages | right opens |"
        " wrong opens: another listed plate | unsure | refused | not read |"
        " wrong opens: a stranger one confusion away | wrong opens: a random stranger |",
        "| --- |" + " ---: |" * 10,
    ]
    for rates in found:
        owners, total = rates.owners, sum(rates.owners.values())
        near, far = rates.near_strangers, rates.far_strangers
        cells = [
            rates.level,
            f"{rates.size:,}",
            str(rates.burst),
            str(total),
            percent(owners["right"], total),
            percent(owners["wrong"], total, 2),
            percent(owners["unsure"], total),
            percent(owners["refused"], total),
            percent(owners["not read"], total),
            percent(near["opened"], sum(near.values()), 2),
            percent(far["opened"], sum(far.values()), 2),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def simulated_table(found: Sequence[Counted], sizes: Sequence[int], texts: float) -> str:
    """One line for each level; the last columns are for lists of that many plates of `texts`."""
    heads = " | ".join(f"wrong opens: a random stranger, list of {size:,}" for size in sizes)
    lines = [
        "| strictness | passages | right opens | wrong opens: a stranger one confusion away |"
        f" other texts for which a reading would open | {heads} |",
        "| --- |" + " ---: |" * (4 + len(sizes)),
    ]
    for counted in found:
        cells = [
            counted.level,
            f"{counted.passages:,}",
            f"{100 * counted.owners:.2f} %",
            f"{100 * counted.near_strangers:.4f} %",
            f"{counted.other_texts:.3f}",
            *(f"{counted.other_texts * size / texts:.1e}" for size in sizes),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def curve(
    points: dict[str, list[tuple[float, float]]], chosen: dict[str, tuple[float, float]]
) -> str:
    """Correct over wrong openings for a stranger one confusion away, as shares of 1."""
    ups = [right for line in points.values() for _, right in line]
    low, high = math.floor(min(ups) * 50) / 50, math.ceil(max(ups) * 50) / 50
    if high <= low:
        high = low + 0.02

    def place(wrong: float, right: float) -> tuple[float, float]:
        x = math.log10(max(wrong, LEAST_SHOWN) / LEAST_SHOWN) / -math.log10(LEAST_SHOWN)
        y = (right - low) / (high - low)
        return EDGE + x * (WIDTH - 2 * EDGE), HEIGHT - EDGE - y * (HEIGHT - 2 * EDGE)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(-5, 1):
        x, y = place(10.0**power, low)
        parts.append(f'<line x1="{x:.0f}" y1="{EDGE}" x2="{x:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        label = "≤ 0.001 %" if power == -5 else f"{100 * 10.0**power:g} %"
        parts.append(f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">{label}</text>')
    for step in range(5):
        right = low + (high - low) * step / 4
        x, y = place(LEAST_SHOWN, right)
        parts.append(
            f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{WIDTH - EDGE}" y2="{y:.0f}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{right:.0%}</text>')
    for row, (name, line) in enumerate(points.items()):
        colour = COLOURS[name]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in sorted(line)))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = place(*chosen[name])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        parts.append(
            f'<text x="{EDGE + 12}" y="{EDGE + 18 + 18 * row}" fill="{colour}">{name}</text>'
        )
    middle = WIDTH / 2
    parts += [
        f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">wrong opens for a stranger'
        " whose plate is one confusion away from a listed one</text>",
        f'<text x="{middle}" y="30" text-anchor="middle" font-size="14">right opens, as the odds'
        " for listed plates go from 1/1000 to 100,000 (dots: as shipped)</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
