"""What an import sends: patches as the rows of the catalogue have them, each to be judged for itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from dateutil.parser import isoparse
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from core.errors import MISSING, InvalidInput, Problem
from core.shapes import AlsoNamed, Flag, NotSet, Report, Shape, Text, Values, WholeNumber, choice, parse
from inventory.api.serializers.installers import Arguments, Checksum, FileUrl, installer_is_whole, kind_of
from inventory.api.serializers.vulnerabilities import Qids, listed
from inventory.entries import PatchEntry, VulnerabilityEntry, qid_reference
from inventory.models import DownloadMethod, Installer, Patch, Platform, Severity, VulnerabilityType
from inventory.models.choices import PATCH_TYPES
from inventory.services import Outcome, Stored
from inventory.systems import system_name

MAX_PATCHES = 5_000
# Whom agents of a platform work with, where the import does not say.
_PACKAGE_MANAGERS = {Platform.WINDOWS: "windows", Platform.LINUX: ""}
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}", re.ASCII)


def _cve(text: str) -> str:
    found = text.strip().upper()
    if not _CVE.fullmatch(found):
        raise ValueError(f"must be like CVE-2026-12345, but was {text[:64]!r}")
    return found


def _moment(value: object) -> object:
    """Milliseconds since 1970, as number or digits, or ISO 8601."""
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    try:
        if re.fullmatch(r"-?\d{1,15}", text):
            found = datetime.fromtimestamp(int(text) / 1000, tz=UTC)
        else:
            found = isoparse(text)
    except (ValueError, OverflowError, OSError):
        raise ValueError("must be milliseconds since 1970, or ISO 8601 such as 2026-11-10T09:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": ["integer", "string"], "description": "See text."})
]
Cves = Annotated[list[Annotated[Text, AfterValidator(_cve)]], BeforeValidator(listed), Field(max_length=2_000)]
Names = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=255)]], BeforeValidator(listed), Field(max_length=1_000)
]
Architectures = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=32)]], BeforeValidator(listed), Field(max_length=50)
]
Short = Annotated[Text, Field(max_length=255)]


class ImportedPackage(Shape):
    """A package that a patch updates."""

    package_name: Annotated[Text, Field(min_length=1, max_length=255)]
    architecture: Annotated[Text, Field(max_length=32)] = ""


class ImportedVulnerability(Shape):
    """A vulnerability that a patch closes. What is not sent stays as it is."""

    qid: Annotated[WholeNumber, Field(ge=1, description="The scanner's number of it.")]
    title: Annotated[Text | None, NotSet, Field(max_length=600)] = None
    cves: Annotated[Cves | None, AlsoNamed("cve")] = None
    severity: Annotated[WholeNumber | None, Field(ge=1, le=5, description="From 1 to 5, the most urgent.")] = None
    vuln_type: Annotated[
        VulnerabilityType | None, choice(VulnerabilityType, synonyms={"Vulnerability": VulnerabilityType.CONFIRMED})
    ] = None
    detected_date: Moment | None = None
    published_date: Moment | None = None

    def entry(self) -> VulnerabilityEntry:
        """As the catalogue takes it."""
        return VulnerabilityEntry(
            reference=qid_reference(self.qid),
            qid=self.qid,
            title=self.title or "",
            cves=self.cves or (),
            severity=self.severity,
            vuln_type=self.vuln_type,
            detected_at=self.detected_date,
            published_at=self.published_date,
        )


def _is_named(values: Values, report: Report) -> None:
    """It must be findable again."""
    if not values.get("vendor_patch_id", "-") and not (values.get("package", "-") and values.get("version", "-")):
        message = "is required, or else package and version: by one of them it is found again"
        report.add("vendor_patch_id", "required", message, MISSING)
    if values.get("platform") is Platform.LINUX and not values.get("package_manager", "-"):
        report.add("package_manager", "required", "is required of a Linux patch, such as apt or dnf", MISSING)


class ImportedPatch(Shape):
    """One patch. It is found again by `vendorPatchId`, else by package, version and architecture; what is not sent
    stays as it is, null empties. Rows of the catalogue may be sent as they are."""

    ignored_keys: ClassVar = frozenset(
        {"id", "patchId", "isSuperseded", "isCustomizedDownloadUrl", "createdDate", "syncDateTime"}
    )
    shape_rules: ClassVar = (_is_named, installer_is_whole)

    vendor_patch_id: Annotated[Short | None, NotSet, Field(description="What its vendor calls it.")] = None
    platform: Annotated[Platform, choice(Platform)] = Platform.WINDOWS
    package_manager: Annotated[
        Text | None, NotSet, Field(max_length=16, description="`windows`, `apt`, `dnf`: as agents call theirs.")
    ] = None
    package: Annotated[Short | None, NotSet, Field(description="Defaults to the vendor's id.")] = None
    version: Annotated[Short | None, NotSet] = None
    architecture: Annotated[Architectures | None, Field(description="x64, ARM64, …")] = None
    title: Annotated[Text | None, NotSet, Field(max_length=600)] = None
    description: Annotated[Text | None, NotSet, Field(max_length=20_000)] = None
    type: Annotated[Text | None, NotSet, Field(max_length=64)] = None
    bulletin: Annotated[Short | None, NotSet] = None
    category: Annotated[Short | None, NotSet] = None
    cve: Annotated[Cves | None, AlsoNamed("cves")] = None
    kb: Annotated[Text | None, NotSet, Field(max_length=32)] = None
    app_family: Names | None = None
    product: Names | None = None
    supported_os: Names | None = None
    published_date: Moment | None = None
    modified_date: Moment | None = None
    qid: Annotated[
        Qids | None, AlsoNamed("qids"), Field(max_length=1_000, description="Vulnerabilities that it closes.")
    ] = None
    vulnerabilities: Annotated[
        list[ImportedVulnerability] | None, Field(max_length=1_000, description="The same, and what they are.")
    ] = None
    reboot_required: Flag | None = None
    supersedes: Annotated[
        Names | None, Field(description="Vendor ids or ours; they may come later in the same import.")
    ] = None
    superseded_by: Names | None = None
    vendor: Annotated[Short | None, NotSet] = None
    vendor_severity: Annotated[Severity | None, choice(Severity)] = None
    vendorlink: Annotated[Text | None, NotSet, Field(max_length=2_000)] = None
    download_method: Annotated[DownloadMethod | None, choice(DownloadMethod)] = None
    download_url: Annotated[
        FileUrl | None,
        NotSet,
        Field(alias="downloadURL", description="The file that agents fetch and run, where no package manager does."),
    ] = None
    file_checksum: Annotated[Checksum | None, NotSet, Field(description="Its SHA-256, 64 hex digits.")] = None
    installer: Annotated[
        Installer | None, choice(Installer), Field(description="What kind of file it is; by default as its name says.")
    ] = None
    installer_arguments: Annotated[
        Arguments | None, NotSet, Field(description="What makes it ask nothing, where its kind does not say.")
    ] = None
    advisory: Annotated[Short | None, NotSet] = None
    enabled: Flag | None = None
    deleted: Flag | None = None
    package_details: Annotated[list[ImportedPackage] | None, Field(max_length=1_000)] = None
    is_security: Annotated[Flag | None, Field(description="Where nobody says: whether it has a severity or CVEs.")] = (
        None
    )
    is_rollback: Annotated[Flag | None, Field(description="Whether it can be taken back; by default it can.")] = None

    def entry(self) -> PatchEntry:
        """As the catalogue takes it."""
        architectures = self.architecture or []
        return PatchEntry(
            platform=self.platform,
            package_manager=self.package_manager or _PACKAGE_MANAGERS[self.platform],
            package=self.package or self.vendor_patch_id or "",
            version=self.version or "",
            architecture=architectures[0] if len(architectures) == 1 else "",
            vendor_id=self.vendor_patch_id or None,
            told=self._told(),
            closes=self._closes(),
            supersedes=self.supersedes or () if "supersedes" in self.model_fields_set else None,
            superseded_by=self.superseded_by or () if "superseded_by" in self.model_fields_set else None,
        )

    def holes(self) -> list[VulnerabilityEntry]:
        """The vulnerabilities that it tells of."""
        bare = [VulnerabilityEntry(reference=qid_reference(qid), qid=qid) for qid in self.qid or ()]
        return [*bare, *(one.entry() for one in self.vulnerabilities or ())]

    def _closes(self) -> list[str] | None:
        told = self.model_fields_set & {"qid", "vulnerabilities"}
        return list(dict.fromkeys(one.reference for one in self.holes())) if told else None

    def _told(self) -> dict[str, Any]:
        """The columns that were sent, and what is to stand in them."""
        sent = {column: getattr(self, name) for name, column in _COLUMNS.items() if name in self.model_fields_set}
        told = {column: self._emptied(column) if value is None else value for column, value in sent.items()}
        for column in _NEVER_EMPTY & sent.keys():
            if sent[column] is None:
                del told[column]
        if "architecture" in self.model_fields_set:
            several = len(self.architecture or ()) > 1
            told["told_architectures"] = self.architecture if several else []
        if "download_url" in told:
            # The four tell of one file, and so they change together.
            told |= {"file_checksum": self.file_checksum or "", "installer_arguments": self.installer_arguments or ""}
            told["installer"] = kind_of(told["download_url"], self.installer) if told["download_url"] else ""
        if "package_details" in told:
            told["package_details"] = [one.model_dump(by_alias=True) for one in told["package_details"]]
        if "supported_os" in told:
            told["supported_os"] = [system_name(one) for one in told["supported_os"]]
        return told

    def _emptied(self, column: str) -> Any:
        """What stands in a column of which nobody knows anything."""
        if column == "type":
            return PATCH_TYPES[self.platform]
        field: Any = Patch._meta.get_field(column)
        return field.get_default()


class CatalogueImport(Shape):
    """Patches from outside; the bare list will do."""

    patches: Annotated[list[ImportedPatch], Field(max_length=MAX_PATCHES)]


# Fields that are columns, and the columns' names.
_SAME_NAME = (
    "title",
    "description",
    "type",
    "bulletin",
    "category",
    "kb",
    "supported_os",
    "reboot_required",
    "vendor",
    "download_method",
    "advisory",
    "enabled",
    "deleted",
    "package_details",
    "is_rollback",
    "download_url",
    "file_checksum",
    "installer",
    "installer_arguments",
)
_COLUMNS: Mapping[str, str] = {
    **{name: name for name in _SAME_NAME},
    "cve": "cves",
    "app_family": "app_families",
    "product": "told_products",
    "published_date": "published_at",
    "modified_date": "modified_at",
    "vendor_severity": "severity",
    "vendorlink": "vendor_link",
    "is_security": "told_security",
}
_NEVER_EMPTY = frozenset({"title", "modified_at"})


# --- one by one -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """One patch as it was sent: read, or why it could not be."""

    vendor_id: str | None
    patch: ImportedPatch | None
    problems: Sequence[Problem] = ()


def import_items(data: object) -> list[Item]:
    """The patches of an import, each judged for itself. Raises InvalidInput where the body as a whole is none."""
    listed = data.get("patches") if isinstance(data, Mapping) and data.keys() == {"patches"} else data
    if not isinstance(listed, list):
        raise InvalidInput(problems=[Problem("", "invalid", 'must be a list of patches, or {"patches": [...]}')])
    if len(listed) > MAX_PATCHES:
        message = f"must hold at most {MAX_PATCHES} patches, but holds {len(listed)}; send several imports"
        raise InvalidInput(problems=[Problem("patches", "too_long", message)])
    return [_item(one) for one in listed]


def _item(sent: object) -> Item:
    name = sent.get("vendorPatchId") if isinstance(sent, Mapping) else None
    try:
        patch = parse(ImportedPatch, sent)
    except InvalidInput as refused:
        return Item(name if isinstance(name, str) else None, None, refused.problems)
    return Item(patch.vendor_patch_id or None, patch)


def import_rows(read: Sequence[Item], stored: Sequence[Stored]) -> list[dict[str, Any]]:
    """Rows of the answer to an import: `stored` are the outcomes of those that could be read, in order."""
    outcomes = iter(stored)
    return [
        _import_row(index, one, Stored(Outcome.FAILED) if one.patch is None else next(outcomes))
        for index, one in enumerate(read)
    ]


def _import_row(index: int, item: Item, stored: Stored) -> dict[str, Any]:
    problems = list(item.problems)
    if stored.problem:
        problems.append(Problem("vendorPatchId", "conflict", stored.problem))
    return {
        "index": index,
        "vendorPatchId": item.vendor_id,
        "patchId": str(stored.patch.public_id) if stored.patch else None,
        "status": stored.outcome.value,
        "errors": [{"field": one.field, "code": one.code, "message": one.message} for one in problems],
        "unknownPatches": list(stored.unknown),
    }
