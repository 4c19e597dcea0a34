"""Whether things are as a scenario expects them to be."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from promoter.application.explain import explain
from promoter.application.promote import Wanted
from promoter.domain.condition import Condition, State, when
from promoter.domain.decision import Decision, Outcome
from promoter.domain.line import LineKey
from promoter.domain.promotion import Phase
from promoter.simulation.scenario import Expect, ImageName, Standing, line_name
from promoter.simulation.world import World

_NOTHING = "nothing"
_THERE = {Standing.CURRENT, Standing.PROMOTED}
_STANDINGS = {
    Outcome.WAITING: Standing.WAITING,
    Outcome.REFUSED: Standing.REFUSED,
    Outcome.QUALIFIED: Standing.QUALIFIED,
}


class Difference(msgspec.Struct, frozen=True):
    """What is not as it was expected."""

    what: str
    expected: str
    found: str


class Found(msgspec.Struct, frozen=True):
    """What was found: how it differs, and the conditions in the way, in words."""

    differences: tuple[Difference, ...]
    reasons: tuple[str, ...] = ()


async def compare(world: World, expect: Expect) -> Found:
    """Compare what is with what is expected.

    Raises:
        PromoterError: The policy has no such environment.
    """
    world.policy.environment(expect.environment)
    if expect.image is None:
        return Found(tuple(await _line_differences(world, expect)))
    decision = await _decision(world, expect, expect.image)
    standing = await _standing(world, expect, expect.image, decision)
    unmet = () if standing in _THERE else decision.unmet
    found = tuple(_image_differences(expect, standing, unmet, decision.earliest if unmet else None))
    return Found(found, tuple(each.text for each in unmet))


def in_words(expect: Expect) -> str:
    """What is expected, in a sentence."""
    parts: list[tuple[str, object]] = [
        ("is", expect.standing),
        ("waits for", _listed(expect.waits_for)),
        ("because of", _listed(expect.because)),
        ("says", f'"{expect.says}"' if expect.says is not None else None),
        ("until", _time(expect.earliest) if expect.earliest else None),
        ("runs", None if expect.current is msgspec.UNSET else expect.current or _NOTHING),
        ("is", None if expect.on_hold is None else "on hold" if expect.on_hold else "not on hold"),
    ]
    said = ", ".join(f"{word} {value}" for word, value in parts if value is not None)
    what = expect.image or line_name(expect.repository, expect.track)
    return f"{what} in {expect.environment}: {said}"


async def _line_differences(world: World, expect: Expect) -> Iterable[Difference]:
    assert expect.repository is not None  # noqa: S101 - it is about one of both
    line = await world.app.line(LineKey(expect.environment, expect.repository, expect.track))
    runs = line.current.tag if line.current else None
    if expect.current is not msgspec.UNSET and expect.current != runs:
        return [Difference("runs", expect.current or _NOTHING, runs or _NOTHING)]
    held = line.hold is not None
    if expect.on_hold is not None and expect.on_hold != held:
        return [Difference("hold", _yes(expect.on_hold), _yes(held))]
    return []


async def _decision(world: World, expect: Expect, image: ImageName) -> Decision:
    wanted = Wanted(image.repository, expect.environment, tag=image.tag, source=expect.source)
    return await explain(world.app, wanted)


async def _standing(world: World, expect: Expect, image: ImageName, decision: Decision) -> Standing:
    digest = world.digest_of(image)
    lines = await world.app.lines(expect.environment, image.repository)
    if any(line.current is not None and line.current.digest == digest for line in lines):
        return Standing.CURRENT
    if any(line.vetoed(digest) for line in lines):
        return Standing.REFUSED
    records = world.records(expect.environment, image.repository)
    phases = [each.phase for each in records if (each.digest, each.tag) == (digest, image.tag)]
    if any(not phase.is_terminal for phase in phases):
        return Standing.IMPORTING
    if Phase.SUCCEEDED in phases:
        return Standing.PROMOTED
    if phases and phases[0] is Phase.FAILED and decision.outcome is not Outcome.WAITING:
        return Standing.FAILED
    return _STANDINGS[decision.outcome]


def _image_differences(
    expect: Expect, standing: Standing, unmet: tuple[Condition, ...], earliest: datetime | None
) -> Iterator[Difference]:
    there = expect.standing is Standing.PROMOTED and standing in _THERE
    if expect.standing is not None and expect.standing is not standing and not there:
        yield Difference("is", expect.standing, standing)
    for what, expected, state in (
        ("waits for", expect.waits_for, State.PENDING),
        ("because of", expect.because, State.REFUSED),
    ):
        kinds = {each.kind for each in unmet if each.state is state}
        if expected is not None and set(expected) != kinds:
            yield Difference(what, _listed(expected) or _NOTHING, _listed(sorted(kinds)) or _NOTHING)
    texts = "; ".join(each.text for each in unmet)
    if expect.says is not None and expect.says not in texts:
        yield Difference("says", f'"{expect.says}"', texts or _NOTHING)
    if expect.earliest is not None and expect.earliest != earliest:
        yield Difference("until", _time(expect.earliest), _time(earliest) if earliest else "no time known")


def _listed(kinds: Iterable[str] | None) -> str | None:
    return None if kinds is None else ", ".join(kinds)


def _time(at: datetime) -> str:
    return when(at.astimezone(UTC))


def _yes(value: bool) -> str:  # noqa: FBT001 - what is said of it is all there is
    return "yes" if value else "no"
