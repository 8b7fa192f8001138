# SPDX-License-Identifier: Apache-2.0
"""Measure whether plates can be read from here, and advise the installer."""
