# SPDX-License-Identifier: Apache-2.0
"""Find plates in a still: neural detector with refiner, and a contour fallback."""
