"""What the log says, in words and, behind them, in fields to be queried by.

The fields are one JSON object at the end of the line, since Azure's worker lets nothing else through; the
words before it hold no braces, so that a query can tell them apart. `infra/queries` reads them.
"""

import logging

from promoter.domain.codec import encode
from promoter.domain.decision import Decision
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.promotion import Phase, Promotion

log = logging.getLogger("promoter")


def say(level: int, event: str, words: str, **fields: object) -> None:
    """Log that something has happened.

    Args:
        level: As `logging` has it.
        event: What, for queries.
        words: What, for people, without anything that came from outside: that is for the fields.
        fields: The rest; those that are None are left out.
    """
    known = {name: value for name, value in fields.items() if value is not None}
    log.log(level, "%s %s", words, encode({"event": event, **known}))


def tell(record: Promotion) -> None:
    """Log that a promotion has entered a phase."""
    failure = record.failure
    say(
        logging.WARNING if record.phase is Phase.FAILED else logging.INFO,
        "promotion",
        f"{record.kind} promotion {record.id} of {record.repository}:{record.tag} is {record.phase}",
        promotion=record.id,
        trace=record.digest.trace,
        kind=record.kind,
        phase=record.phase,
        environment=record.environment,
        repository=record.repository,
        tag=record.tag,
        digest=record.digest,
        rule=record.rule,
        failure=failure.code if failure else None,
        message=failure.message if failure else None,
        seconds=(record.completed_at - record.created_at).total_seconds() if record.completed_at else None,
    )


def tell_decision(
    environment: str, repository: Repository, tag: Tag, digest: Digest, decision: Decision
) -> None:
    """Log what was decided about an image, and which conditions stand in its way."""
    say(
        logging.INFO,
        "decision",
        f"{repository}:{tag} into {environment} is {decision.outcome}",
        trace=digest.trace,
        outcome=decision.outcome,
        rule=decision.rule,
        environment=environment,
        repository=repository,
        tag=tag,
        digest=digest,
        unmet=sorted({condition.kind for condition in decision.unmet}),
    )
