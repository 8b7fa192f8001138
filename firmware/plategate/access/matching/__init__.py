# SPDX-License-Identifier: Apache-2.0
"""Decide whether a reading may count as a listed plate."""
