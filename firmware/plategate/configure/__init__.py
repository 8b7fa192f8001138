# SPDX-License-Identifier: Apache-2.0
"""Ask the installer about the site, check each answer on the hardware, write settings.toml."""
