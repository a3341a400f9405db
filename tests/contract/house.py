"""One customer with people, machines, tags and patches of both platforms, and the bodies that tests begin with."""

import base64
from dataclasses import dataclass, field
from typing import Any

from core.customer_context import acting_for
from inventory.models import Asset, Patch, Platform
from tenants.models import Role, User
from tests import factories
from tests.factories import Person

# Who installs on the machines that are no Linux ones; these tests only need that machines and patches agree.
WINDOWS_UPDATE = "wua"
NOBODY = "00000000-0000-4000-8000-000000000000"
START = "2031-3-4 06:30:00 PM"
ONCE = {"scheduleType": "Once", "startDateTime": START}
DAILY = {"scheduleType": "Daily", "startDateTime": START}
WEEKLY = {"scheduleType": "Weekly", "startDateTime": START, "recurringWeekDays": "0,0,1,0,0,0,0"}
MONTHLY: dict[str, Any] = {"scheduleType": "Monthly", "startDateTime": START}
INTERVAL = {"scheduleType": "Interval", "startDateTime": START, "recurrenceInterval": "PT1H"}
QUERY = {"approvedPatches": None, "isDynamicPatchesQQL": True, "dynamicQQLType": 1, "dynamicPatchesQQL": "title:win"}
CHECKSUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@dataclass
class House:
    """Ada, who administers it, and the ids of all that is there by name: `asset till-1`, `tag tills`, `patch win-1`."""

    ada: Person
    grace: Person
    ids: dict[str, str] = field(default_factory=dict)

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """The job that this body makes."""
        answer = self.ada.post("deploymentjob", body)
        assert answer.status_code == 201, answer.json()
        created: dict[str, Any] = answer.json()
        return created

    def made(self, **changes: Any) -> dict[str, Any]:
        """A Linux job with a host and a patch, and `changes`."""
        return self.create(self.linux(**changes))

    def linux(self, **changes: Any) -> dict[str, Any]:
        """A body that could be enabled: Linux, On-demand, one host, one patch."""
        return self._body("Linux", "asset web-1", "patch lin-1") | changes

    def windows(self, **changes: Any) -> dict[str, Any]:
        """A body that could be enabled: Windows, On-demand, one host, one patch."""
        return self._body("Windows", "asset till-1", "patch win-1") | changes

    def _body(self, platform: str, asset: str, patch: str) -> dict[str, Any]:
        return {
            "name": "a job",
            "type": "Install",
            "platform": platform,
            "scheduleType": "On-demand",
            "approvedPatches": [self.ids[patch]],
            "assetIds": [self.ids[asset]],
        }


def build(ada: Person) -> House:
    """Tills and web servers, tagged, each with two missing patches."""
    with acting_for(ada.customer.pk):
        User.objects.filter(pk=ada.user.pk).update(first_name="Ada", last_name="Lovelace")
    grace = factories.person(customer=ada.customer, role=Role.OPERATOR)
    house = House(ada=ada, grace=grace)
    house.ids |= {
        "customer": str(ada.customer.public_id),
        "user ada": str(ada.user.public_id),
        "user grace": str(grace.user.public_id),
    }
    _furnish(house, Platform.WINDOWS, "till", "win")
    _furnish(house, Platform.LINUX, "web", "lin")
    return house


def _furnish(house: House, platform: Platform, kind: str, patches: str) -> None:
    """Three machines of a platform, their two tags, and two patches that they miss."""
    of = house.ada.customer
    tags = {name: factories.tag(of, name) for name in (f"{kind}s", f"{kind}s-to-spare")}
    house.ids |= {f"tag {name}": str(tag.public_id) for name, tag in tags.items()}
    hosts = [
        factories.asset(of, f"{kind}-{number}", tags=(tags[f"{kind}s"],), platform=platform) for number in (1, 2, 3)
    ]
    house.ids |= {f"asset {host.name}": str(host.public_id) for host in hosts}
    if platform == Platform.WINDOWS:
        with acting_for(of.pk):
            Asset.objects.filter(platform=platform).update(package_manager=WINDOWS_UPDATE)
    for number in (1, 2):
        patch = _patch(house.ada, platform, f"{patches}-{number}")
        factories.missing(patch, *hosts)
        house.ids[f"patch {patch.package}"] = str(patch.public_id)


def _patch(ada: Person, platform: Platform, package: str) -> Patch:
    patch = factories.patch(ada.customer, package)
    if platform == Platform.WINDOWS:
        with acting_for(ada.customer.pk):
            Patch.objects.filter(pk=patch.pk).update(platform=platform, package_manager=WINDOWS_UPDATE)
    return patch


def text(plain: str) -> str:
    """Base64, as scripts and registry keys are sent."""
    return base64.b64encode(plain.encode()).decode()


def run_script(kind: str = "ps", **changes: Any) -> dict[str, Any]:
    """A Run Script action; `kind` is `ps` on Windows and `sh` on Linux."""
    params = {"actionItem": "say hello"} | changes.pop("params", {})
    return {"action": "Run Script", "params": params, "script": text("echo hello"), "scriptType": kind} | changes


def install_software(**params: Any) -> dict[str, Any]:
    """An Install Software action that runs an installer."""
    return {
        "action": "Install Software",
        "params": {
            "actionItem": "viewer",
            "downloadURL": "https://downloads.example.com/viewer.msi",
            "fileChecksum": CHECKSUM,
            "installMethod": 1,
        }
        | params,
    }


def change_registry_key(**params: Any) -> dict[str, Any]:
    """A Change Registry Key action that sets a number."""
    return {
        "action": "Change Registry Key",
        "params": {
            "actionItem": "NoAutoUpdate",
            "regKey": text(r"HKLM\SOFTWARE\Example"),
            "regValue": text("1"),
            "regValueType": "REG_DWORD",
            "regKeyAddNew": True,
        }
        | params,
    }


def uninstall_software(**params: Any) -> dict[str, Any]:
    """An Uninstall Software action."""
    return {
        "action": "Uninstall Software",
        "params": {
            "actionItem": "old viewer",
            "unInstallRegistryKey": text(r"HKLM\SOFTWARE\Uninstall\Viewer"),
            "unInstallSoftwareDisplayName": "Viewer",
            "unInstallSoftwareVersion": "1.2.3",
            "unInstallSoftwareVersionMatch": "Equals",
        }
        | params,
    }


def reboot() -> dict[str, Any]:
    """A System Reboot action."""
    return {"action": "System Reboot", "params": {"actionItem": "fresh start"}, "script": "", "scriptType": "ps"}


def mail(**changes: Any) -> dict[str, Any]:
    """A notification by mail when the job starts."""
    return {
        "notificationTypes": {"email": True},
        "notificationConfigs": {"recipientEmails": "ops@example.com"},
        "notificationEvents": {"onJobStart": True},
    } | changes


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The document less some keys."""
    return {key: value for key, value in document.items() if key not in keys}


def less(action: dict[str, Any], *params: str) -> dict[str, Any]:
    """The action less some of its parameters."""
    return action | {"params": without(action["params"], *params)}
