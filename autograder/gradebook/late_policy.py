"""What being late costs, by numbers in the configuration instead of code."""

from __future__ import annotations

import math

from nbgrader.plugins import BasePlugin
from traitlets import Float

DAY = 86_400


class LatePolicy(BasePlugin):  # type: ignore[misc]
    """So many percent of the points earned for each day that has begun, after some grace."""

    percent_a_day = Float(10.0, min=0.0, help="Of the points earned, for each day begun.").tag(
        config=True
    )
    grace_minutes = Float(0.0, min=0.0, help="So late costs nothing; later counts in full.").tag(
        config=True
    )
    cap_percent = Float(100.0, min=0.0, max=100.0, help="No more than this is lost.").tag(
        config=True
    )

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """The points that are lost; None where nothing is."""
        if total_seconds_late <= 60 * self.grace_minutes or self.percent_a_day == 0:
            return None
        days = math.ceil(total_seconds_late / DAY)
        return score * min(days * self.percent_a_day, self.cap_percent) / 100
