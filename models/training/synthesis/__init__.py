# SPDX-License-Identifier: Apache-2.0
"""Synthetic plates: drawn from layouts, worn, and degraded like camera pictures."""
