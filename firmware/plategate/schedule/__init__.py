# SPDX-License-Identifier: Apache-2.0
"""Time: weekly windows, public holidays, the time zone of the site, trust in the clock."""
