# SPDX-License-Identifier: Apache-2.0
"""Read the registration from a plate image: TFLite network and Tesseract."""
