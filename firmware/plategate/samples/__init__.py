# SPDX-License-Identifier: Apache-2.0
"""Samples: stills that were unread or corrected, kept with consent to measure and train readers."""
