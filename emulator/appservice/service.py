"""Deploying to slots: configure, warm up, restart, swap."""

import asyncio
from http import HTTPStatus

import msgspec

from emulator.appservice.slot import Phase, Slot, SlotId
from emulator.appservice.slots import Slots
from emulator.appservice.swaps import Swap, Swaps
from emulator.appservice.warm_up import Puller, PullFailedError
from emulator.background import Background
from emulator.errors import ArmError, unexpected
from emulator.faults import Effect, Faults, Operation
from emulator.store.database import Database


class AppService:
    """The sites of this emulator. A slot starts anew whenever it is written to."""

    def __init__(self, database: Database, puller: Puller, faults: Faults) -> None:
        self.slots, self.swaps = Slots(database), Swaps(database)
        self._database, self._puller, self._faults = database, puller, faults
        self._background = Background()
        self._starting: dict[SlotId, asyncio.Task[None]] = {}
        self._swapping: set[str] = set()  # sites

    def start(self) -> None:
        """Take up what the last process left unfinished."""
        for identifier in self.slots.unsettled():
            self.restart(identifier)
        for swap in self.swaps.running():
            self._swap_beside(swap)

    async def stop(self) -> None:
        """End what runs. The next process takes it up."""
        await self._background.stop(0)

    @property
    def idle(self) -> bool:
        """Whether no slot starts and no swap runs."""
        return not self._starting and not self._swapping

    def add(self, identifier: SlotId) -> None:
        """Make a slot, and its site's production slot, where they are not there yet."""
        for each in (SlotId(identifier.site), identifier):
            if self.slots.find(each) is None:
                self.slots.put(each, Slot())

    def write(self, identifier: SlotId, slot: Slot) -> None:
        """Write a slot, and start it anew."""
        self.slots.put(identifier, slot)
        self.restart(identifier)

    def remove(self, identifier: SlotId) -> bool:
        """Drop a slot, or a site with all its slots; False where there is none."""
        for each in self.slots.all(identifier.site):
            if (identifier.is_production or each == identifier) and (task := self._starting.pop(each, None)):
                task.cancel()
        return self.slots.remove(identifier)

    def restart(self, identifier: SlotId) -> None:
        """Start a slot anew: what it is told to run is pulled, and it answers no more until that is done.

        Raises:
            ArmError: 404.
        """
        slot = self.slots.get(identifier)
        if task := self._starting.pop(identifier, None):
            task.cancel()
        phase = Phase.STARTING if slot.wanted else Phase.EMPTY
        self.slots.put(identifier, msgspec.structs.replace(slot, phase=phase, digest=None, trouble=None))
        if slot.wanted:
            task = self._background.start(self._start(identifier), f"start of {identifier}")
            self._starting[identifier] = task
            task.add_done_callback(lambda done: self._started(identifier, done))

    def _started(self, identifier: SlotId, task: asyncio.Task[None]) -> None:
        if self._starting.get(identifier) is task:
            del self._starting[identifier]

    async def _start(self, identifier: SlotId) -> None:
        try:
            digest = await self._warm_up(identifier, self.slots.get(identifier))
            outcome: dict[str, object] = {"phase": Phase.READY, "digest": digest}
        except PullFailedError as error:
            outcome = {"phase": Phase.FAILED, "trouble": str(error)}
        slot = self.slots.find(identifier)
        if slot:
            self.slots.put(identifier, msgspec.structs.replace(slot, **outcome))

    async def _warm_up(self, identifier: SlotId, slot: Slot) -> str | None:
        """Start a slot, and give the digest that it runs; one that is told nothing starts too."""
        drawn = self._faults.draw(Operation.SITE_WARM_UP, identifier.site, str(identifier))
        if delay := drawn.get(Effect.DELAY):
            await asyncio.sleep(delay.seconds)
        if Effect.STUCK in drawn:
            await asyncio.Event().wait()
        if fault := drawn.get(Effect.FAIL):
            raise PullFailedError(fault.message)
        return str(await self._puller.pull(identifier, slot)) if slot.wanted else None

    def swap(self, source: SlotId, target: SlotId) -> Swap:
        """Accept a swap, and start it.

        Raises:
            ArmError: 404 no such slot; 409 the site is being swapped already.
        """
        for each in (source, target):
            self.slots.get(each)
        if source == target:
            message = f"Source and target are both the slot '{source.slot}'."
            raise ArmError(HTTPStatus.BAD_REQUEST, "BadRequest", message)
        if source.site in self._swapping:
            message = (
                f"Cannot modify this site because another operation is in progress: a swap of {source.site}."
            )
            raise ArmError(HTTPStatus.CONFLICT, "Conflict", message)
        swap = self.swaps.add(source, target)
        self._swap_beside(swap)
        return swap

    def _swap_beside(self, swap: Swap) -> None:
        site = swap.source.site
        self._swapping.add(site)
        task = self._background.start(self._run(swap), f"swap {swap.id}")
        task.add_done_callback(lambda _: self._swapping.discard(site))

    async def _run(self, swap: Swap) -> None:
        """Warm up what goes to production, and swap only if it answers."""
        try:
            ready = await self._warmed(swap)
            with self._database.transaction():
                self.slots.put(swap.warmed, ready)
                self.slots.swap(swap.source, swap.target)
                self.swaps.end(swap)
        except PullFailedError as error:
            message = (
                f"Cannot swap site slots for site '{swap.source.site}' because the "
                f"'{swap.warmed.slot}' slot did not respond to http ping. ({error})"
            )
            self.swaps.end(swap, ArmError(HTTPStatus.CONFLICT, "Conflict", message))
        except ArmError as error:  # a slot was deleted meanwhile
            self.swaps.end(swap, error)
        except Exception as error:
            self.swaps.end(swap, unexpected(error))
            raise

    async def _warmed(self, swap: Swap) -> Slot:
        """Warm a slot up with the sticky settings of where it goes."""
        digest = await self._warm_up(swap.warmed, self.slots.moved(swap.warmed, swap.other))
        slot, phase = self.slots.get(swap.warmed), Phase.READY if digest else Phase.EMPTY
        return msgspec.structs.replace(slot, phase=phase, digest=digest, trouble=None)
