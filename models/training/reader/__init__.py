# SPDX-License-Identifier: Apache-2.0
"""Makes both plate readers, from pictures of plates to .tflite files."""
