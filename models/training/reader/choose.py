# SPDX-License-Identifier: Apache-2.0
"""Keeps one variant of what `reader.distil` trained, as `reader.export` takes it."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .small_network import VARIANTS, kept_weights, with_weights


def main() -> None:
    """Command line: file of all variants and a name in, file of one variant out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    weights = kept_weights(options.trained, options.variant)
    with_weights(options.variant, weights)
    torch.save({"variant": options.variant, "average": weights}, options.target)


if __name__ == "__main__":
    main()
