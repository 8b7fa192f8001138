# SPDX-License-Identifier: Apache-2.0
"""The checks of `plategate doctor`: board, software, state of the gate."""
