# SPDX-License-Identifier: Apache-2.0
"""The web console: what happened at the gate and why, and commands with a reason."""
