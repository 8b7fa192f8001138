# SPDX-License-Identifier: Apache-2.0
"""Read the text of a plate image: TFLite network and Tesseract."""
