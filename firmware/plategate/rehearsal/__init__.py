# SPDX-License-Identifier: Apache-2.0
"""Rehearsals: the gate on mock pins, with pictures as camera or scripted scenarios."""
