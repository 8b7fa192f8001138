# SPDX-License-Identifier: Apache-2.0
"""Training of the network that looks at one place from near: is it a plate, and where exactly."""
