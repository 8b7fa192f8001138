# SPDX-License-Identifier: Apache-2.0
"""Camera drivers and what they share: exposure, motion, conversion of frames."""
