# SPDX-License-Identifier: Apache-2.0
"""Notify people of what needs them: a wanted vehicle, a fault, a full disk; one message a cause."""
