# SPDX-License-Identifier: Apache-2.0
"""Real servers that tests and measurements start on this machine and stop again."""
