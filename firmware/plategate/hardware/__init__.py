# SPDX-License-Identifier: Apache-2.0
"""Drivers of the board. Only this package imports gpiozero and picamera2."""
