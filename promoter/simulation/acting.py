"""What people and pipelines do in a scenario, done through the application's own use cases."""

from promoter.application.adopt import Adoption, adopt
from promoter.application.approve import ApprovalWanted, Word, approve
from promoter.application.hold import hold, unhold
from promoter.application.promote import Promoted, Wanted, promote
from promoter.application.roll_back import roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.take_gate_result import GateReport, take_gate_result
from promoter.application.work import advance
from promoter.domain.access import Capability, permit
from promoter.domain.actor import Actor
from promoter.domain.condition import Override
from promoter.domain.conditions.gate import rules_that_count, why_uncounted
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.line import LineKey
from promoter.domain.policy import Environment, PromotionRule
from promoter.domain.promotion import Phase
from promoter.simulation.scenario import (
    Action,
    Adopt,
    OnLine,
    Opinion,
    Promote,
    Push,
    Report,
    Rollback,
)
from promoter.simulation.world import World

_WORDS = {"approve": Word.APPROVE, "reject": Word.REJECT, "withdraw": Word.WITHDRAW}


async def act(world: World, word: str, action: Action) -> None:
    """Do what a step says.

    Raises:
        PromoterError: The application refuses it.
    """
    match action:
        case Push():
            await world.push(action.image, _pushed_to(world, action), action.same_as)
        case Report():
            await _report(world, action)
        case Promote():
            await _promote(world, action)
        case Opinion():
            await _say(world, _WORDS[word], action)
        case Rollback():
            await _roll_back(world, action)
        case OnLine():
            await (_hold if word == "hold" else _unhold)(world, action)
        case Adopt():
            await _adopt(world, action)
    await world.drain()


def _pushed_to(world: World, push: Push) -> Environment:
    if push.to is not None:
        return world.policy.environment(push.to)
    first = [each for each in world.policy.environments if not world.policy.is_target(each.name)]
    if len(first) != 1:
        message = f"images may be pushed to {' or '.join(each.name for each in first)}: say `to`"
        raise InvalidError(message, "to")
    return first[0]


async def _report(world: World, report: Report) -> None:
    caller = world.caller(report.by)
    permit(caller, Capability.REPORT, world.policy.environment(report.environment))
    wanted = GateReport(
        report.image.repository,
        report.environment,
        report.gate,
        report.verdict,
        digest=world.digest_of(report.image),
        issuer=report.issuer,
    )
    reported = await take_gate_result(world.app, wanted, caller.actor, guard=False)
    if not rules_that_count(reported.result, world.policy):
        world.tell(why_uncounted(reported.result, world.policy))
    await world.wake(reported.wake)


async def _promote(world: World, asked: Promote) -> None:
    actor = _operator(world, asked.by, asked.target)
    override = None
    if asked.override:
        permit(world.caller(asked.by), Capability.ADMINISTER, world.policy.environment(asked.target))
        override = Override(asked.override, asked.reason or "as the scenario says")
    wanted = Wanted(
        asked.image.repository,
        asked.target,
        tag=asked.image.tag,
        source=asked.source,
        reason=asked.reason,
        override=override,
    )
    outcome = await promote(world.app, wanted, actor)
    if isinstance(outcome, Promoted):
        await world.wake([advance(outcome.record.line_key)])
        if outcome.already:
            world.tell(f"{asked.target}: {asked.image} runs there already")


async def _say(world: World, word: Word, opinion: Opinion) -> None:
    rule = _rule(world, opinion)
    image = opinion.image
    wanted = ApprovalWanted(image.repository, world.digest_of(image), rule.name, word, opinion.comment)
    await world.wake((await approve(world.app, wanted, world.caller(opinion.by))).wake)


def _rule(world: World, opinion: Opinion) -> PromotionRule:
    """The rule that an image goes its way under."""
    image, to = opinion.image, world.policy.environment(opinion.target).name
    found = [
        rule
        for rule in world.policy.rules_to(to, image.repository, image.tag)
        if opinion.source in {None, rule.source}
    ]
    if not found:
        message = f"no rule leads {image} into {to}"
        raise NotFoundError(message)
    if len(found) > 1:
        message = f"{image} may come from {' or '.join(rule.source for rule in found)}: say `from`"
        raise InvalidError(message, "from")
    return found[0]


async def _hold(world: World, asked: OnLine) -> None:
    actor = _operator(world, asked.by, asked.environment)
    await hold(world.app, _line(asked), asked.reason, actor)


async def _unhold(world: World, asked: OnLine) -> None:
    _operator(world, asked.by, asked.environment)
    await world.wake(await unhold(world.app, _line(asked)))


async def _roll_back(world: World, asked: Rollback) -> None:
    actor = _operator(world, asked.by, asked.environment)
    wanted = RollbackWanted(
        record=_record(world, asked) if asked.to else None,
        reason=asked.reason,
        environment=asked.environment,
        repository=asked.repository,
        track=asked.track,
    )
    record = await roll_back(world.app, wanted, actor)
    await world.wake([advance(record.line_key)])


def _record(world: World, asked: Rollback) -> str:
    """The newest record that put a tag into an environment."""
    for record in world.records(asked.environment, asked.repository):
        mine = (record.tag, record.track, record.phase) == (asked.to, asked.track, Phase.SUCCEEDED)
        if mine:
            return record.id
    message = f"{asked.repository}:{asked.to} was never promoted to {asked.environment}"
    raise NotFoundError(message)


async def _adopt(world: World, asked: Adopt) -> None:
    actor = _operator(world, asked.by, asked.environment)
    adoption = Adoption(asked.environment, asked.image.repository, asked.image.tag)
    outcome = await adopt(world.app, adoption, actor)
    await world.wake([advance(outcome.record.line_key)])


def _operator(world: World, name: str, environment: str) -> Actor:
    caller = world.caller(name)
    permit(caller, Capability.OPERATE, world.policy.environment(environment))
    return caller.actor


def _line(asked: OnLine) -> LineKey:
    return LineKey(asked.environment, asked.repository, asked.track)
