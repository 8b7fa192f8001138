# SPDX-License-Identifier: Apache-2.0
"""Draws the curves of a training out of its log: loss, and validation plates read right."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt


def draw(log: Path, target: Path) -> None:
    """One picture with two panels."""
    mpl.use("Agg")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    minutes = [line["seconds"] / 60 for line in lines]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    left.plot(minutes, [line["loss"] for line in lines], marker=".")
    left.set(xlabel="minutes", ylabel="training loss (CTC, degraded pictures)", yscale="log")
    for name in lines[-1]["right"]:
        values = [line["right"][name] for line in lines]
        right.plot(minutes, values, marker=".", label=name, linewidth=2 if name == "all" else 1)
    right.set(xlabel="minutes", ylabel="validation crops right, %", ylim=(0, 100))
    right.legend(fontsize=8)
    for panel in (left, right):
        panel.grid(alpha=0.3)
    figure.savefig(target, dpi=110)


def main() -> None:
    """Command line: log in, picture out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    draw(options.log, options.target)


if __name__ == "__main__":
    main()
