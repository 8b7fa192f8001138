# SPDX-License-Identifier: Apache-2.0
"""Weekly windows, public holidays, the site's time zone, and whether the clock is trusted."""
