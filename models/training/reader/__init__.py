# SPDX-License-Identifier: Apache-2.0
"""How the small reader is made, from plates to plate_reader.tflite."""
