"""Running a scenario against a policy."""

from datetime import UTC, datetime

from promoter.domain.condition import when
from promoter.domain.errors import PromoterError
from promoter.domain.policy import Policy
from promoter.simulation import acting, expecting
from promoter.simulation.scenario import Action, Expect, Scenario, Step
from promoter.simulation.timeline import Sort, Timeline
from promoter.simulation.world import World


async def simulate(policy: Policy, scenario: Scenario) -> Timeline:
    """Run a scenario through the application as it is deployed, over ports in memory.

    Returns:
        What happened, with what was not as it was expected.
    """
    timeline = Timeline()
    world = World(policy, scenario, timeline)
    for number, step in enumerate(scenario.steps, 1):
        await _take(world, timeline, number, step)
    return timeline


async def _take(world: World, timeline: Timeline, number: int, step: Step) -> None:
    if step.note is not None:
        timeline.tell(world.clock.now(), Sort.NOTE, step.note, step=number)
    if step.action is not None:
        await _act(world, timeline, number, step, *step.action)
    elif step.wait is not None:
        await world.run_until(world.clock.now() + step.wait.delta)
    elif step.until is not None:
        await _wait(world, timeline, number, step.until.astimezone(UTC))
    elif step.expect is not None:
        await _expect(world, timeline, number, step.expect)


async def _wait(world: World, timeline: Timeline, number: int, until: datetime) -> None:
    now = world.clock.now()
    if until < now:
        timeline.tell(now, Sort.FAILED, f"it is later than {when(until)} already", step=number)
    else:
        await world.run_until(until)


async def _act(world: World, timeline: Timeline, number: int, step: Step, word: str, action: Action) -> None:
    world.begin_act()
    timeline.tell(world.clock.now(), Sort.STEP, action.said(word), step=number)
    expected = () if step.refused is None else (f'- is refused with "{step.refused}"',)
    try:
        await acting.act(world, word, action)
    except PromoterError as error:
        await world.drain()
        if step.refused is not None and step.refused in str(error):
            timeline.tell(world.clock.now(), Sort.MET, f"it is refused: {error}", step=number)
        else:
            but = "but with other words" if expected else "which the step does not say (`refused:` says so)"
            text = f"it is refused, {but}: {error}"
            timeline.tell(world.clock.now(), Sort.FAILED, text, *expected, step=number)
        return
    if expected:
        timeline.tell(world.clock.now(), Sort.FAILED, "it is not refused", *expected, step=number)


async def _expect(world: World, timeline: Timeline, number: int, expect: Expect) -> None:
    now, said = world.clock.now(), expecting.in_words(expect)
    try:
        found = await expecting.compare(world, expect)
    except PromoterError as error:
        timeline.tell(now, Sort.FAILED, f"expected {said}", str(error), step=number)
        return
    if not found.differences:
        timeline.tell(now, Sort.MET, said, step=number)
        return
    details = [line for each in found.differences for line in _both(each)]
    reasons = [f"why: {reason}" for reason in found.reasons]
    timeline.tell(now, Sort.FAILED, f"expected {said}", *details, *reasons, step=number)


def _both(difference: expecting.Difference) -> tuple[str, str]:
    return f"- {difference.what} {difference.expected}", f"+ {difference.what} {difference.found}"
