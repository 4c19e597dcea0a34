"""How a process starts."""

import logging
from collections.abc import Iterator

import pytest

from promoter import bootstrap

HTTP = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")


@pytest.fixture
def logging_as_in_azure() -> Iterator[None]:
    """The worker logs all that is at least INFO, whoever says it."""
    loggers = [logging.getLogger(name) for name in ("", "azure.core", "azure.identity")]
    before = [each.level for each in loggers]
    for each, level in zip(loggers, (logging.INFO, logging.NOTSET, logging.NOTSET), strict=True):
        each.setLevel(level)
    yield
    for each, level in zip(loggers, before, strict=True):
        each.setLevel(level)


@pytest.mark.usefixtures("logging_as_in_azure")
def test_what_the_sdks_log_of_each_request_stays_out_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_process", None)
    monkeypatch.setenv("PromoterStorage", "")
    assert HTTP.isEnabledFor(logging.INFO)

    assert bootstrap.process().problems

    assert not HTTP.isEnabledFor(logging.INFO)
    assert HTTP.isEnabledFor(logging.WARNING)
    assert logging.getLogger("promoter").isEnabledFor(logging.INFO)
