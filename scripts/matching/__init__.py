# SPDX-License-Identifier: Apache-2.0
"""Trials of who would be let in: real readings, simulated ones, and the report about both."""
