# SPDX-License-Identifier: Apache-2.0
"""How models/plate_detector.tflite is made, from photographs to file."""
