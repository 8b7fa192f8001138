# SPDX-License-Identifier: Apache-2.0
"""Merge several readings of one plate into one reading with calibrated confidences."""
