# SPDX-License-Identifier: Apache-2.0
"""Match readings to listed plates: decide whether a reading counts as a plate on a list."""
