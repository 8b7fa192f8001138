# SPDX-License-Identifier: Apache-2.0
"""Checks of the machine for `plategate doctor`: board, software, state."""
