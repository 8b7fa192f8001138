# SPDX-License-Identifier: Apache-2.0
"""Training of the refiner: plate probability and corners from a close-up of a candidate."""
