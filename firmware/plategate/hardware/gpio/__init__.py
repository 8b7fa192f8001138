# SPDX-License-Identifier: Apache-2.0
"""GPIO devices: inputs, relays, lamps, ultrasonic sensor."""
