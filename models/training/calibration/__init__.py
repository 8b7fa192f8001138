# SPDX-License-Identifier: Apache-2.0
"""Makes models/calibration.toml: what the readers' confidences are worth."""
