"""How much waits in an environment, and for how long: for the log, and for alerts on it."""

import logging
from dataclasses import dataclass
from datetime import datetime

from promoter.application.documents import Candidate
from promoter.application.tell import say
from promoter.domain.conditions import automatic
from promoter.domain.decision import Outcome


@dataclass(slots=True)
class Waiting:
    """What waits in one environment.

    Attributes:
        candidates: How many images are not promoted yet, whatever stands in their way.
        since: Since when the first of those has waited that nobody is to promote by hand and nothing refuses;
            None where there is none.
    """

    environment: str
    candidates: int = 0
    since: datetime | None = None

    def add(self, candidate: Candidate) -> None:
        """Count an image."""
        self.candidates += 1
        by_hand = any(condition.kind == automatic.KIND for condition in candidate.decision.unmet)
        if candidate.decision.outcome is Outcome.WAITING and not by_hand:
            self.since = min(self.since or candidate.since, candidate.since)

    def tell(self, now: datetime) -> None:
        """Log it, where anything waits."""
        if not self.candidates:
            return
        many = "1 image waits" if self.candidates == 1 else f"{self.candidates} images wait"
        say(
            logging.INFO,
            "waiting",
            f"{many} in {self.environment}",
            environment=self.environment,
            candidates=self.candidates,
            oldestSeconds=int((now - self.since).total_seconds()) if self.since else 0,
        )
