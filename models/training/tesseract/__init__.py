# SPDX-License-Identifier: Apache-2.0
"""Makes models/tessdata/plates.traineddata with Tesseract's own tools, one step a file."""
