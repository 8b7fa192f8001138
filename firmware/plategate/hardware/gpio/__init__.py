# SPDX-License-Identifier: Apache-2.0
"""GPIO drivers on gpiozero and lgpio: inputs, relays, lamps and the ultrasonic sensor."""
