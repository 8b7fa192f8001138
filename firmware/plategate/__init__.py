# SPDX-License-Identifier: Apache-2.0
"""Plategate reads the plate of a car at a barrier and opens it for those who may pass."""
