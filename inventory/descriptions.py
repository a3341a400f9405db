"""What a machine tells of itself: the shapes of docs/agent-protocol.md. Bounded, since an agent may lie."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from core.shapes import Flag, Shape, Text
from inventory.models import Platform, Severity

Short = Annotated[Text, Field(max_length=200)]
Version = Annotated[Text, Field(max_length=255)]


class Interface(Shape):
    """A network interface."""

    interface_name: Short | None = None
    mac_address: Short | None = None
    address: Short | None = None
    # Where this interface sends what is for no neighbour, in the family of `address`.
    gateway_address: Short | None = None
    ipv6_address: Annotated[Short | None, Field(alias="ipv6Address")] = None


class Hardware(Shape):
    """Maker and model."""

    manufacturer: Short | None = None
    model: Short | None = None


class Machine(Shape):
    """What kind of machine this is."""

    name: Annotated[Text, Field(min_length=1, max_length=255)]
    platform: Platform
    operating_system: Short | None = None
    os_identifier: Short | None = None
    version: Annotated[Text, Field(max_length=100)] | None = None
    architecture: Annotated[Text, Field(max_length=32)] | None = None
    timezone: Annotated[Text, Field(max_length=64)] | None = None
    package_manager: Annotated[Text, Field(max_length=16)] | None = None
    interfaces: Annotated[list[Interface], Field(max_length=200)] | None = None
    last_logged_on_user: Short | None = None
    hardware: Hardware | None = None


class Package(Shape):
    """An installed package; `broken` is one that the package manager could not finish."""

    name: Version
    version: Version
    architecture: Annotated[Text, Field(max_length=32)]
    state: Annotated[str, Field(pattern="^(installed|broken)$")] = "installed"


class Update(Shape):
    """What the machine's own package manager would install today."""

    package: Version
    architecture: Annotated[Text, Field(max_length=32)]
    from_version: Version
    to_version: Version
    source: Version | None = None
    severity: Severity | None = None
    advisory: Version | None = None
    cves: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=200)] = []
    # What Linux package managers do not say, and Windows does.
    title: Annotated[Text, Field(max_length=600)] | None = None
    kb: Annotated[Text, Field(max_length=32)] | None = None
    category: Version | None = None
    reboot_required: Flag | None = None


class Scan(Shape):
    """An inventory, complete as of `at`."""

    at: datetime
    boot_id: Annotated[Text, Field(max_length=64)] | None = None
    machine: Machine
    reboot_required: Flag = False
    packages: Annotated[list[Package], Field(max_length=20_000)] = []
    updates: Annotated[list[Update], Field(max_length=20_000)] = []
