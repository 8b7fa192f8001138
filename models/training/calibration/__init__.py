# SPDX-License-Identifier: Apache-2.0
"""Makes models/calibration.toml, the calibration of the readers' confidences."""
