# SPDX-License-Identifier: Apache-2.0
"""Plate texts: canonical form, national formats, places of registration, character confusions."""
