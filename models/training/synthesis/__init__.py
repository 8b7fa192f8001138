# SPDX-License-Identifier: Apache-2.0
"""Plates that were never on a car: drawn from layouts, worn, and spoilt as a camera would."""
