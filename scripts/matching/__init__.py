# SPDX-License-Identifier: Apache-2.0
"""Measures which vehicles would be let in, with real and simulated readings, and reports it."""
