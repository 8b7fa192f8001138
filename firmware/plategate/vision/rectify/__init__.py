# SPDX-License-Identifier: Apache-2.0
"""Turn a plate region of a still into an upright, evenly lit plate image."""
