"""Evidence: facts merge to the same, in whatever order and however often they come."""

from datetime import UTC, datetime, timedelta, timezone
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from promoter.domain.codec import decode, encode
from promoter.domain.errors import InvalidError
from promoter.domain.evidence import Arrival, Evidence, GateResult, Verdict
from promoter.domain.image import Image, Repository, Tag
from tests.unit.domain.strategies import NOW, arrivals, digest, gate_results

PASSED = GateResult("dev", "unit-tests", Verdict.PASSED, NOW)
FAILED = replace(PASSED, verdict=Verdict.FAILED)
SECOND = timedelta(seconds=1)
IMAGE = Image(Repository("shop/web"), digest(1))

type Fact = Arrival | GateResult

pairs = st.tuples(arrivals(), arrivals()) | st.tuples(gate_results(), gate_results())
some = st.lists(arrivals(), min_size=1, max_size=6) | st.lists(gate_results(), min_size=1, max_size=6)


def merged(facts: list[Fact]) -> Fact:
    return reduce(lambda one, other: one.merge(other), facts)  # type: ignore[arg-type]


# Laws.


@given(pairs)
def test_it_does_not_matter_which_of_two_facts_came_first(pair: tuple[Fact, Fact]) -> None:
    one, other = pair
    assert merged([one, other]) == merged([other, one])


@given(some)
def test_a_fact_told_again_changes_nothing(facts: list[Fact]) -> None:
    known = merged(facts)
    for fact in facts:
        assert merged([known, fact]) == known
        assert merged([fact, known]) == known


@given(st.data(), some)
def test_neither_order_nor_duplicates_nor_grouping_matter(data: st.DataObject, facts: list[Fact]) -> None:
    other = data.draw(st.permutations(facts + data.draw(st.lists(st.sampled_from(facts), max_size=4))))
    assert merged(other) == merged(facts)
    at = data.draw(st.integers(min_value=1, max_value=len(other)))
    groups = [merged(group) for group in (other[:at], other[at:]) if group]
    assert merged(groups) == merged(facts)


@given(st.lists(gate_results(), min_size=1, max_size=6))
def test_what_counts_is_one_of_the_verdicts_that_were_reported(results: list[GateResult]) -> None:
    found = merged([*results])
    assert isinstance(found, GateResult)
    assert replace(found, failed_at=None) in results
    failures = [each.at for each in results if each.verdict is Verdict.FAILED]
    assert found.last_failed_at == max(failures, default=None)


@given(st.lists(arrivals(), min_size=1, max_size=6))
def test_an_arrival_keeps_the_first_and_the_last_time(facts: list[Arrival]) -> None:
    known = merged([*facts])
    assert isinstance(known, Arrival)
    assert known.first_at == min(each.first_at for each in facts)
    assert known.last_at == max(each.last_at for each in facts)
    assert known.pushed_at == max(each.pushed_at for each in facts)


@given(gate_results(), arrivals())
def test_facts_survive_the_way_through_the_store(result: GateResult, arrival: Arrival) -> None:
    assert decode(encode(result), GateResult) == result
    assert decode(encode(arrival), Arrival) == arrival


# Verdicts.


def test_a_later_verdict_replaces_an_earlier_one_even_when_it_comes_first() -> None:
    later = replace(PASSED, at=NOW + SECOND)
    counts = replace(later, failed_at=FAILED.at)
    assert FAILED.merge(later) == counts
    assert later.merge(FAILED) == counts


def test_on_a_tie_failed_wins() -> None:
    assert PASSED.merge(FAILED) == FAILED
    assert FAILED.merge(PASSED) == FAILED
    elsewhere = replace(PASSED, at=NOW.astimezone(timezone(timedelta(hours=2))), issuer="zz")
    assert elsewhere.merge(FAILED) == FAILED


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"gate": "unit tests"}, "gate", "'unit tests' is not a gate's name"),
        ({"gate": ""}, "gate", "is not a gate's name"),
        ({"gate": "a" * 500}, "gate", "is not a gate's name"),
        ({"evidence": "x" * 2049}, "evidence", "evidence has 2049 bytes; at most 2048"),
        ({"evidence": "é" * 1025}, "evidence", "evidence has 2050 bytes"),
        ({"url": "https://" + "x" * 2041}, "url", "url has 2049 bytes"),
        ({"url": "javascript:alert(1)"}, "url", "must start with https://"),
        ({"url": ""}, "url", "must start with https://"),
        ({"issuer": "x" * 129}, "issuer", "issuer has 129 bytes"),
        ({"at": datetime(2026, 11, 23, 9)}, "at", "needs a time zone"),  # noqa: DTZ001 - that is the point
        ({"at": NOW + timedelta(minutes=5, seconds=1)}, "at", "0:05:01 ahead of now, and 5 minutes"),
        ({"at": datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14)))}, "at", "ahead of now"),
    ],
)
def test_what_cannot_be_a_verdict_is_refused(changes: dict[str, object], field: str, message: str) -> None:
    result = replace(PASSED, **changes)
    with pytest.raises(InvalidError, match=message) as raised:
        result.check(NOW)
    assert raised.value.field == field
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": "x" * 2048, "url": "http://" + "x" * 2041, "issuer": "x" * 128},
        {"at": NOW + timedelta(minutes=5)},
        {"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        {"evidence": ""},
    ],
)
def test_what_is_just_within_the_limits_is_taken(changes: dict[str, object]) -> None:
    replace(PASSED, **changes).check(NOW)


# Looking up.


def test_evidence_is_looked_up_by_environment_and_tag_or_gate() -> None:
    early = Arrival("dev", Tag("v1"), NOW, NOW, NOW)
    late = replace(early, tag=Tag("latest"), pushed_at=NOW + SECOND)
    other = replace(early, environment="staging")
    evidence = Evidence(IMAGE, (early, other, late), (PASSED, replace(FAILED, environment="staging")))
    assert evidence.arrival("dev", Tag("v1")) == early
    assert evidence.arrival("prod", Tag("v1")) is None
    assert evidence.arrivals_in("dev") == (late, early)
    assert evidence.gate("dev", "unit-tests") == PASSED
    assert evidence.gate("dev", "scan") is None


def test_times_are_compared_as_instants_not_as_clock_faces() -> None:
    evening = datetime(2026, 11, 23, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    one = Arrival("dev", Tag("v1"), evening, evening, evening)
    known = one.merge(Arrival("dev", Tag("v1"), NOW, NOW, NOW))
    assert known.first_at == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert known.pushed_at == NOW
