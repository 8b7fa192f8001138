# SPDX-License-Identifier: Apache-2.0
"""Measures whether the camera is aimed well enough to read plates, and advises the installer."""
