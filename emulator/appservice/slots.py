"""The slots of all sites, on disk."""

from http import HTTPStatus

import msgspec

from emulator.appservice.slot import Phase, Slot, SlotId
from emulator.errors import ArmError
from emulator.store.database import Database


class Slots:
    """Reads and writes slots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, site: str | None = None) -> list[SlotId]:
        """List the slots of one site, or of all."""
        rows = self._database.all("select site, slot from sites order by site, slot <> 'production', slot")
        found = [SlotId(str(name), str(slot)) for name, slot in rows]
        return [each for each in found if site is None or each.site == site.lower()]

    def find(self, identifier: SlotId) -> Slot | None:
        """Read a slot; None where there is none."""
        row = self._database.one(
            "select document from sites where site = ? and slot = ?", identifier.site, identifier.slot
        )
        return msgspec.json.decode(str(row[0]), type=Slot) if row else None

    def get(self, identifier: SlotId) -> Slot:
        """Read a slot.

        Raises:
            ArmError: 404.
        """
        if slot := self.find(identifier):
            return slot
        message = f"The Resource 'Microsoft.Web/sites/{identifier}' was not found."
        raise ArmError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)

    def put(self, identifier: SlotId, slot: Slot) -> None:
        """Write a slot."""
        self._database.execute(
            "insert or replace into sites values (?, ?, ?)",
            identifier.site,
            identifier.slot,
            msgspec.json.encode(slot).decode(),
        )

    def remove(self, identifier: SlotId) -> bool:
        """Drop a slot; a production slot takes the others along. False where there is none."""
        if identifier.is_production:
            return bool(self._database.execute("delete from sites where site = ?", identifier.site))
        return bool(
            self._database.execute(
                "delete from sites where site = ? and slot = ?", identifier.site, identifier.slot
            )
        )

    def moved(self, content: SlotId, place: SlotId) -> Slot:
        """Give what a slot would be in the place of another: sticky settings stay where they are."""
        sticky = set(self.get(SlotId(content.site)).sticky)
        moving, there = self.get(content), self.get(place)
        settings = {name: value for name, value in moving.settings.items() if name not in sticky}
        settings |= {name: value for name, value in there.settings.items() if name in sticky}
        return msgspec.structs.replace(moving, settings=settings, sticky=there.sticky)

    def swap(self, source: SlotId, target: SlotId) -> None:
        """Let two slots change what they are told and what they run."""
        first, second = self.moved(source, target), self.moved(target, source)
        self.put(target, first)
        self.put(source, second)

    def unsettled(self) -> list[SlotId]:
        """List the slots that were starting when the last process ended."""
        return [each for each in self.all() if self.get(each).phase is Phase.STARTING]
