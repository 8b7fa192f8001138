# SPDX-License-Identifier: Apache-2.0
"""The only importers of gpiozero and picamera2, behind ports that a rehearsal can fill."""
