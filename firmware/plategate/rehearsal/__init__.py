# SPDX-License-Identifier: Apache-2.0
"""Run the gate without hardware: mock pins, pictures as camera, scripted scenarios."""
