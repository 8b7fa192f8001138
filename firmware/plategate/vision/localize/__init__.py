# SPDX-License-Identifier: Apache-2.0
"""Find plates in a still: detector and refiner networks, and a contour fallback."""
