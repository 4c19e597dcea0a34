"""A promotion: its phases, and the id that names its record."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from promoter.domain.actor import AUTOMATION
from promoter.domain.condition import Kind
from promoter.domain.errors import NotFoundError
from promoter.domain.image import Repository, Tag
from promoter.domain.promotion import (
    Failure,
    FailureCode,
    IllegalTransitionError,
    Phase,
    Promotion,
    RecordId,
    record_key,
)
from tests.unit.domain.strategies import NOW, digest, policy_of, repositories

POLICY = policy_of({})
PENDING = Promotion(
    environment="staging",
    repository=Repository("shop/web"),
    track="main",
    sequence=7,
    kind=Kind.AUTOMATIC,
    tag=Tag("v1"),
    digest=digest(1),
    source="dev",
    rule="dev-to-staging",
    actor=AUTOMATION,
    created_at=NOW,
    pushed_at=NOW,
    terms=POLICY,
    policy_hash=POLICY.hash,
)
LEGAL = {
    (Phase.PENDING, Phase.IMPORTING),
    (Phase.PENDING, Phase.FAILED),
    (Phase.PENDING, Phase.SUPERSEDED),
    (Phase.IMPORTING, Phase.SUCCEEDED),
    (Phase.IMPORTING, Phase.FAILED),
}
TERMINAL = {Phase.SUCCEEDED, Phase.FAILED, Phase.SUPERSEDED}

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize("after", Phase)
@pytest.mark.parametrize("before", Phase)
def test_exactly_the_legal_transitions_are_made(before: Phase, after: Phase) -> None:
    promotion = replace(PENDING, phase=before)
    if (before, after) in LEGAL:
        assert promotion.to(after).phase is after
    else:
        with pytest.raises(IllegalTransitionError, match=f"is {before} and cannot become {after}"):
            promotion.to(after)


@given(st.lists(st.sampled_from(Phase), max_size=20))
def test_a_terminal_phase_is_never_left_whatever_is_tried(tries: list[Phase]) -> None:
    promotion, ended = PENDING, None
    for phase in tries:
        try:
            promotion = promotion.to(phase)
        except IllegalTransitionError:
            continue
        assert ended is None
        ended = phase if phase.is_terminal else None
    assert promotion.phase.is_terminal is (ended is not None)


def test_the_terminal_phases_are_these() -> None:
    assert {phase for phase in Phase if phase.is_terminal} == TERMINAL


def test_an_ended_promotion_says_when_and_why() -> None:
    failure = Failure(FailureCode.TIMED_OUT, "given up")
    ended = PENDING.ended(Phase.FAILED, NOW, failure)
    assert (ended.phase, ended.completed_at, ended.failure) == (Phase.FAILED, NOW, failure)


def test_only_what_may_pass_by_itself_is_transient() -> None:
    transient = {FailureCode.IMPORT_FAILED, FailureCode.TIMED_OUT, FailureCode.NO_PERMISSION}
    assert {code for code in FailureCode if code.is_transient} == transient


def test_a_promotion_knows_its_line_its_image_and_the_rule_it_was_claimed_under() -> None:
    assert str(PENDING.line_key) == "staging shop/web (main)"
    assert PENDING.image.digest == PENDING.digest
    assert PENDING.rule_terms == POLICY.rules[0]
    assert replace(PENDING, rule=None).rule_terms is None


# Record ids.


@given(names, repositories, st.integers(min_value=0, max_value=10**10 - 1), names)
def test_an_id_is_url_safe_and_leads_back_to_its_record(
    environment: str, repository: Repository, sequence: int, track: str
) -> None:
    promotion = replace(
        PENDING, environment=environment, repository=repository, sequence=sequence, track=track
    )
    assert re.fullmatch(r"[A-Za-z0-9._~:-]+", promotion.id)
    assert RecordId.parse(promotion.id) == RecordId(environment, repository, sequence, track)


@given(st.integers(min_value=0, max_value=10**10 - 2), names, names)
def test_the_newer_record_has_the_smaller_key(sequence: int, track: str, other: str) -> None:
    assert record_key(sequence + 1, track) < record_key(sequence, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "staging",
        "staging~shop:web",
        "staging~shop:web~7.main",
        "staging~shop/web~9999999992.main",
        "staging~Shop:web~9999999992.main",
        "staging~shop::web~9999999992.main",
        "staging~shop:web~99999999920.main",
        "staging~shop:web~999999999x.main",
        "staging~shop:web~٩٩٩٩٩٩٩٩٩٢.main",
        "staging~shop:web~9999999992",
        "staging~shop:web~9999999992.",
        "staging~shop:web~9999999992.main~x",
        "staging~shop:web~9999999992.main\n",
        "stag'ing~shop:web~9999999992.main",
        "~shop:web~9999999992.main",
        "staging~" + "a" * 256 + "~9999999992.main",
        "x" * 100_000,
    ],
)
def test_what_promoter_has_not_handed_out_is_no_record_s_id(text: str) -> None:
    with pytest.raises(NotFoundError, match="is not a promotion record's id") as raised:
        RecordId.parse(text)
    assert len(str(raised.value)) < 300


@given(st.text(max_size=80) | st.text(alphabet="a~:.0123456789", max_size=80))
def test_any_text_is_an_id_that_leads_back_or_is_not_found(text: str) -> None:
    try:
        found = RecordId.parse(text)
    except NotFoundError:
        return
    made = f"{found.environment}~{found.repository.path}~{record_key(found.sequence, found.track)}"
    assert made == text
