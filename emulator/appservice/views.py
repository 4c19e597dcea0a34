"""Sites and slots as Resource Manager shows them.

Shapes: Azure/azure-rest-api-specs, Microsoft.Web, Site, SiteConfigResource, WebSiteInstanceStatus.
"""

from emulator.appservice.slot import Phase, Slot, SlotId
from emulator.appservice.warm_up import identity_of
from emulator.arm.cloud import TENANT

_RUNTIME = {
    Phase.EMPTY: "READY",
    Phase.STARTING: "UNKNOWN",
    Phase.READY: "READY",
    Phase.FAILED: "STOPPED",
}


def slot_id(group: str, identifier: SlotId) -> str:
    """Write the resource id of a slot below the id of its resource group."""
    site = f"{group}/providers/Microsoft.Web/sites/{identifier.site}"
    return site if identifier.is_production else f"{site}/slots/{identifier.slot}"


def site_view(group: str, location: str, identifier: SlotId, slot: Slot) -> dict[str, object]:
    """Show a site, or one of its slots."""
    host = f"{identity_of(identifier)}.azurewebsites.localhost"
    return {
        "id": slot_id(group, identifier),
        "name": str(identifier),
        "type": "Microsoft.Web/sites" + ("" if identifier.is_production else "/slots"),
        "kind": "app,linux,container",
        "location": location,
        "tags": {},
        "identity": {
            "type": "SystemAssigned",
            "tenantId": TENANT,
            "principalId": identity_of(identifier),
        },
        "properties": {
            "name": identity_of(identifier),
            "state": "Running",
            "enabled": True,
            "availabilityState": "Normal",
            "usageState": "Normal",
            "reserved": True,
            "resourceGroup": group.rpartition("/")[2],
            "serverFarmId": f"{group}/providers/Microsoft.Web/serverfarms/emulator",
            "sku": "PremiumV3",
            "defaultHostName": host,
            "hostNames": [host],
            "enabledHostNames": [host],
            "siteConfig": _config(slot),
        },
    }


def config_view(group: str, location: str, identifier: SlotId, slot: Slot) -> dict[str, object]:
    """Show the configuration of a slot."""
    return {
        "id": f"{slot_id(group, identifier)}/config/web",
        "name": str(identifier),
        "type": "Microsoft.Web/sites/config",
        "location": location,
        "properties": _config(slot),
    }


def settings_view(
    group: str, identifier: SlotId, name: str, properties: dict[str, object]
) -> dict[str, object]:
    """Show application settings, or the names of the sticky ones."""
    return {
        "id": f"{slot_id(group, identifier)}/config/{name}",
        "name": name,
        "type": "Microsoft.Web/sites/config",
        "properties": properties,
    }


def instance_view(group: str, identifier: SlotId, slot: Slot) -> dict[str, object]:
    """Show the one instance of a slot, and whether it answers."""
    return {
        "id": f"{slot_id(group, identifier)}/instances/emulator",
        "name": "emulator",
        "type": "Microsoft.Web/sites/instances",
        "properties": {"state": _RUNTIME[slot.phase]},
    }


def running_view(identifier: SlotId, slot: Slot) -> dict[str, object]:
    """Tell what a slot is told to run and what runs, which no call of Azure tells."""
    return {
        "site": identifier.site,
        "slot": identifier.slot,
        "phase": slot.phase,
        "image": slot.wanted,
        "digest": slot.digest,
        "trouble": slot.trouble,
    }


def _config(slot: Slot) -> dict[str, object]:
    return {
        "linuxFxVersion": "",
        "windowsFxVersion": None,
        "acrUseManagedIdentityCreds": False,
        "alwaysOn": True,
        "numberOfWorkers": 1,
        **slot.config,
    }
