"""What the log says of a promotion: its phase in words, and the same in fields to be queried by."""

import logging

from promoter.domain.promotion import Phase, Promotion

log = logging.getLogger("promoter")


def tell(record: Promotion) -> None:
    """Log that a promotion has entered a phase."""
    failure = f": {record.failure.code}: {record.failure.message}" if record.failure else ""
    log.log(
        logging.WARNING if record.phase is Phase.FAILED else logging.INFO,
        "%s promotion %s of %s:%s@%s is %s%s",
        record.kind,
        record.id,
        record.repository,
        record.tag,
        record.digest.short,
        record.phase,
        failure,
        extra={
            "promotion": record.id,
            "image": f"{record.repository}@{record.digest}",
            "environment": record.environment,
            "phase": str(record.phase),
        },
    )
