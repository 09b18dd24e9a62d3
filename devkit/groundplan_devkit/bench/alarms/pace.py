"""How fast periods pass."""

from __future__ import annotations

PACE = 5.0
"""How many times shorter periods are than in the cloud: processes tell their metrics every five seconds, and the
shortest period is a minute. Thresholds stay as they are: a count is reached in a fifth of the time, or not at all."""
