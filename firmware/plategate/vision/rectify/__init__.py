# SPDX-License-Identifier: Apache-2.0
"""Turn the region of a plate into an upright, evenly lit plate image."""
