# SPDX-License-Identifier: Apache-2.0
"""Draws the training curve from the output of lstmtraining."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

REPORT = re.compile(r"At iteration \d+/(\d+)/\d+, .*?BCER train=([\d.]+)%, BWER train=([\d.]+)%")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--val", nargs="*", default=[], metavar="LINES:PERCENT", help="plates of val that are wrong"
    )
    wanted = parser.parse_args()
    mpl.use("Agg")
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in wanted.logs)
    points = sorted((int(n), float(c), float(w)) for n, c, w in REPORT.findall(text))
    figure, axis = plt.subplots(figsize=(7, 4))
    lines = [n for n, _, _ in points]
    axis.plot(lines, [w for _, _, w in points], color="0.6", label="training lines wrong")
    axis.plot(lines, [c for _, c, _ in points], color="#1f4e79", label="training characters wrong")
    if wanted.val:
        pairs = [item.split(":") for item in wanted.val]
        places, shares = [float(n) for n, _ in pairs], [float(share) for _, share in pairs]
        axis.plot(places, shares, "o-", color="#c05020", label="validation plates wrong")
    axis.set_xlabel("lines trained")
    axis.set_ylabel("%")
    axis.set_ylim(0, 100)
    axis.grid(color="0.9")
    axis.legend()
    figure.tight_layout()
    figure.savefig(wanted.out, dpi=100)


if __name__ == "__main__":
    main()
