# SPDX-License-Identifier: Apache-2.0
"""Tests of who may pass; a package, so that they can share their servers and gates."""
