"""Importing what vendors and distributions publish, by the command that operators run."""

import gzip
import io
import json
import lzma
import shutil
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.entries import Gathered
from inventory.importers import READERS, sources
from inventory.importers.finding import find
from inventory.importers.sources import FileSource, Unreadable, UrlSource
from inventory.models import Closing, Fix, Patch, Severity, Vulnerability
from inventory.querying import closing_condition, patch_condition
from tests import factories
from tests.factories import NOW, Person

FILES = Path(__file__).parent / "files"
SUITE = FILES / "apt" / "dists" / "bookworm-security"
PACKAGES = SUITE / "main" / "binary-amd64" / "Packages"
REPOMD = FILES / "dnf" / "repodata" / "repomd.xml"
ADVISORIES = FILES / "advisories"


def run(*paths: Path | str, customer: str = "Acme", **options: Any) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("import_advisories", *map(str, paths), customer=customer, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def failures(*paths: Path | str, **options: Any) -> str:
    """What it tells of what it could not import; it ends with 1."""
    err = io.StringIO()
    with pytest.raises(CommandError) as ended:
        call_command(
            "import_advisories", *map(str, paths), customer="Acme", stdout=io.StringIO(), stderr=err, **options
        )
    assert ended.value.returncode == 1
    return f"{err.getvalue()}{ended.value}"


def patch(package: str, version: str = "") -> Patch:
    return Patch.objects.get(package=package, **({"version": version} if version else {}))


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def csaf(name: str = "rhsa-2026_2447") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ADVISORIES / f"{name}.json").read_text())
    return document


# --- apt --------------------------------------------------------------------------------------------------------------


def test_apt__packages__become_patches_of_their_suites_system(ada: Person) -> None:
    run(PACKAGES)

    one = patch("libssl3", "3.0.14-1~deb12u1")
    assert (one.package_manager, one.architecture, one.source_package) == ("apt", "amd64", "openssl")
    assert (one.supported_os, one.vendor, one.category) == (["Debian 12"], "Debian", "libs")
    assert one.description.startswith("Secure Sockets Layer toolkit - shared libraries\nThis package is part")
    assert one.vendor_link == "https://www.openssl.org/"
    assert patch("openssh-client-udeb").source_package == "openssh"
    assert patch("tzdata").architecture == "all"


def test_apt__two_versions__the_newer_supersedes(ada: Person) -> None:
    run(PACKAGES)

    superseded = Patch.objects.filter(patch_condition("isSuperseded:true", now=NOW, field=""))
    assert [one.version for one in superseded] == ["3.0.14-1~deb12u1"]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_apt__compressed__is_read_as_well(ada: Person, tmp_path: Path, suffix: str, pack: Any) -> None:
    shutil.copytree(SUITE, tmp_path / "suite")
    plain = tmp_path / "suite" / "main" / "binary-amd64" / "Packages"
    plain.with_name(f"Packages{suffix}").write_bytes(pack(plain.read_bytes()))
    plain.unlink()

    run(tmp_path)

    assert Patch.objects.count() == 4
    assert patch("tzdata").supported_os == ["Debian 12"]


def test_apt__no_release__is_for_the_system_that_is_said(ada: Person, tmp_path: Path) -> None:
    alone = written(tmp_path / "Packages", PACKAGES.read_text())

    run(alone)
    before = patch("tzdata").supported_os
    run(alone, system="Ubuntu 24.04.1 LTS")

    assert (before, patch("tzdata").supported_os) == ([], ["Ubuntu 24.04"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Package: x\nVersion: 1\n", "paragraph 1 has no Architecture"),
        ("", "holds no packages"),
        ("what is this\n", "Packages file"),
    ],
)
def test_apt__no_packages_file__is_told(ada: Person, tmp_path: Path, text: str, told: str) -> None:
    assert told in failures(written(tmp_path / "Packages", text))


# --- dnf --------------------------------------------------------------------------------------------------------------


def test_dnf__repository__becomes_patches_with_their_advisories(ada: Person) -> None:
    run(FILES / "dnf")

    one = patch("openssl-libs", "1:3.0.7-25.el9_3")
    assert (one.package_manager, one.architecture, one.source_package) == ("dnf", "x86_64", "openssl")
    assert (one.advisory, one.severity, one.cves) == ("RLSA-2026:2447", Severity.IMPORTANT, ["CVE-2026-5363"])
    assert (one.supported_os, one.vendor) == (["Rocky Linux 9"], "Rocky Enterprise Software Foundation")
    assert (one.reboot_required, one.is_security) == (True, True)
    assert one.published_at == datetime(2026, 11, 4, 2, 3, 4, tzinfo=UTC)
    assert patch("tzdata").version == "2024a-1.el9"
    assert not patch("tzdata").is_security
    assert not Patch.objects.filter(architecture="src").exists()


def test_dnf__advisory__is_closed_by_the_version_that_fixes_it(ada: Person) -> None:
    run(REPOMD)

    closing = Patch.objects.filter(closing_condition("cve:CVE-2026-5363", now=NOW, field=""))
    assert [one.version for one in closing] == ["1:3.0.7-25.el9_3"]
    superseded = Patch.objects.filter(patch_condition("isSuperseded:true", now=NOW, field=""))
    assert [one.version for one in superseded] == ["1:3.0.7-9.el9"]


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".zst", lambda data: zstandard.ZstdCompressor().compress(data))]
)
def test_dnf__compressed__is_read_as_well(ada: Person, tmp_path: Path, suffix: str, pack: Any) -> None:
    shutil.copytree(FILES / "dnf", tmp_path / "repo")
    data = tmp_path / "repo" / "repodata"
    for name in ("primary.xml", "updateinfo.xml"):
        (data / f"{name}{suffix}").write_bytes(pack((data / name).read_bytes()))
        (data / name).unlink()
    text = (data / "repomd.xml").read_text().replace('.xml"/>', f'.xml{suffix}"/>')
    written(data / "repomd.xml", text)

    run(tmp_path / "repo")

    assert Patch.objects.count() == 3


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("repodata/primary.xml", "../../../../etc/passwd", "which is not there"),
        ("repodata/primary.xml", "repodata/gone.xml", "which is not there"),
        ('type="primary"', 'type="other"', "names no list of packages"),
        ("</repomd>", "", "no XML that can be read"),
    ],
)
def test_dnf__broken_repository__is_told(ada: Person, tmp_path: Path, old: str, new: str, told: str) -> None:
    shutil.copytree(FILES / "dnf", tmp_path / "repo")
    text = (tmp_path / "repo" / "repodata" / "repomd.xml").read_text()
    written(tmp_path / "repo" / "repodata" / "repomd.xml", text.replace(old, new))

    assert told in failures(tmp_path / "repo")


def test_dnf__entities__are_refused(ada: Person, tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><repomd>&b;</repomd>'

    assert "no XML that can be read" in failures(written(tmp_path / "repodata" / "repomd.xml", bomb))


# --- CSAF -------------------------------------------------------------------------------------------------------------


def test_csaf__advisory__makes_installable_packages_patches(ada: Person) -> None:
    run(ADVISORIES / "rhsa-2026_2447.json")

    one = Patch.objects.get()
    assert (one.package, one.version, one.architecture) == ("openssl-libs", "1:3.0.7-25.el9_3", "x86_64")
    assert (one.advisory, one.severity, one.vendor) == (
        "RHSA-2026:2447",
        Severity.IMPORTANT,
        "Red Hat Product Security",
    )
    assert one.cves == ["CVE-2026-5363", "CVE-2026-6129"]
    assert one.supported_os == ["Red Hat Enterprise Linux 9"]
    assert one.published_at == datetime(2026, 11, 3, 8, tzinfo=UTC)
    first, second = Vulnerability.objects.order_by("reference")
    assert (first.reference, first.severity, first.cves) == ("CVE-2026-5363", 4, ["CVE-2026-5363"])
    assert first.title == "openssl: Incorrect cipher key and IV length processing"
    assert (second.severity, second.published_at) == (None, datetime(2026, 11, 3, 8, tzinfo=UTC))
    assert Closing.objects.count() == 2


def test_csaf__vex__tells_of_fixes_alone(ada: Person, tmp_path: Path) -> None:
    document = csaf()
    document["document"]["category"] = "csaf_vex"

    run(written(tmp_path / "cve.json", json.dumps(document)))

    assert not Patch.objects.exists()
    assert sorted(Fix.objects.filter(vulnerability__reference="CVE-2026-5363").values_list("package", "system")) == [
        ("openssl", "Red Hat Enterprise Linux 9"),
        ("openssl-debuginfo", "Red Hat Enterprise Linux 9"),
        ("openssl-libs", "Red Hat Enterprise Linux 9"),
    ]


def test_csaf__knowledge_base_article__is_a_patch_for_windows(ada: Person) -> None:
    run(ADVISORIES / "msrc_cve-2026-20666.json")

    one = Patch.objects.get()
    assert (one.vendor_id, one.kb, one.platform, one.package_manager) == (
        "KB5034129",
        "KB5034129",
        "Windows",
        "windows",
    )
    assert (one.products, one.supported_os) == (["Windows Server 2022"], ["Windows Server 2022"])
    assert (one.cves, one.reboot_required, one.severity) == (["CVE-2026-20666"], True, Severity.IMPORTANT)
    assert one.published_at == datetime(2026, 11, 10, 8, tzinfo=UTC)
    assert Patch.objects.filter(closing_condition("severity:3", now=NOW, field="")).get() == one


def test_csaf__two_documents_of_one_article__come_together(ada: Person, tmp_path: Path) -> None:
    for cve in ("CVE-2026-20666", "CVE-2026-20667"):
        text = json.dumps(csaf("msrc_cve-2026-20666")).replace("CVE-2026-20666", cve)
        written(tmp_path / f"{cve}.json", text)

    run(tmp_path)

    assert Patch.objects.get().cves == ["CVE-2026-20666", "CVE-2026-20667"]
    assert Closing.objects.count() == 2


# --- OSV --------------------------------------------------------------------------------------------------------------


def test_osv__record__is_closed_by_packages_of_that_source_and_system(ada: Person) -> None:
    run(ADVISORIES / "DSA-5532-1.json", PACKAGES)

    hole = Vulnerability.objects.get()
    assert (hole.reference, hole.title, hole.cves) == ("DSA-5532-1", "openssl - security update", ["CVE-2026-5363"])
    assert (hole.severity, hole.published_at) == (4, datetime(2026, 10, 24, tzinfo=UTC))
    assert {(fix.system, fix.version) for fix in Fix.objects.all()} == {
        ("Debian 12", "3.0.14-1~deb12u2"),
        ("Debian 13", "3.5.1-1"),
    }
    assert Closing.objects.get().patch == patch("libssl3", "3.0.14-1~deb12u2")


def test_osv__withdrawn__or_of_other_ecosystems__tells_nothing(ada: Person, tmp_path: Path) -> None:
    withdrawn = csaf("DSA-5532-1") | {"withdrawn": "2026-11-02T00:00:00Z"}

    run(written(tmp_path / "withdrawn.json", json.dumps(withdrawn)), ADVISORIES / "GHSA-npm.json")

    assert not Vulnerability.objects.exists()


def test_osv__archive_of_an_ecosystem__is_read_as_it_is_published(ada: Person, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(ADVISORIES / "DSA-5532-1.json", "DSA-5532-1.json")
        archive.writestr("DSA-1.json", json.dumps(csaf("DSA-5532-1") | {"id": "DSA-1"}))
        archive.writestr("README", "nothing")

    run(tmp_path / "all.zip")

    assert set(Vulnerability.objects.values_list("reference", flat=True)) == {"DSA-5532-1", "DSA-1"}


# --- the command ------------------------------------------------------------------------------------------------------


def state() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values_list(*columns))
        for model, columns in (
            (Patch, ["pk", "public_id", "title", "cves", "supported_os", "modified_at"]),
            (Vulnerability, ["pk", "title", "modified_at"]),
            (Fix, ["pk", "version"]),
            (Closing, ["patch_id", "vulnerability_id"]),
        )
    ]


def test_command__everything_twice__changes_nothing(ada: Person) -> None:
    run(FILES)
    before = state()

    told = run(FILES)

    assert [sorted(each) for each in state()] == [sorted(each) for each in before]
    assert "0 patches created, 0 patches updated, 8 patches unchanged, 0 patches failed" in told.splitlines()[-1]


def test_command__everything__finds_each_format_by_itself(ada: Person) -> None:
    told = run(FILES)

    assert told.startswith("6 of 6 documents: 8 patches created")
    assert {one.format for one in find([str(FILES)])} == set(READERS)


def test_command__one_bad_among_many__is_told_and_the_others_are_stored(ada: Person, tmp_path: Path) -> None:
    for number in range(30):
        written(tmp_path / f"{number:02}.json", json.dumps(csaf("DSA-5532-1") | {"id": f"DSA-{number}"}))
    bad = written(tmp_path / "15.json", '{"id": "DSA-15", "modified": "yesterday"}')
    worse = written(tmp_path / "16.json", '{"id": ')

    told = failures(tmp_path)

    assert f"{bad}: modified: " in told
    assert f"{worse}: document: " in told
    assert "2 could not be imported; all else is stored" in told
    assert Vulnerability.objects.count() == 28


def test_command__what_the_database_refuses__is_found_among_the_good(ada: Person, tmp_path: Path) -> None:
    for number in range(3):
        written(tmp_path / f"{number}.json", json.dumps(csaf("DSA-5532-1") | {"id": f"DSA-{number}"}))
    for number, name in ((3, "x" * 300), (4, "a\0b")):
        written(tmp_path / f"{number}.json", json.dumps(csaf("DSA-5532-1") | {"id": name}))

    told = failures(tmp_path)

    assert "3.json: value too long" in told
    assert "4.json: " in told
    assert Vulnerability.objects.count() == 3


def test_command__many_documents__are_stored_together(ada: Person, tmp_path: Path) -> None:
    def statements(number: int) -> int:
        folder = tmp_path / str(number)
        for one in range(number):
            written(folder / f"{one}.json", json.dumps(csaf("DSA-5532-1") | {"id": f"DSA-{number}-{one}"}))
        with CaptureQueriesContext(connection) as asked:
            run(folder)
        return len(asked)

    assert statements(2) == statements(100)


def test_command__format_said__passes_over_the_others(ada: Person) -> None:
    run(FILES, format="apt")

    assert set(Patch.objects.values_list("package_manager", flat=True)) == {"apt"}
    assert not Vulnerability.objects.exists()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("/no/such/place", "no such file"),
        (__file__, "holds no document of a known format"),
        ("http://example.com/x.json", "only https"),
        ("ftp://example.com/x.json", "only https"),
    ],
)
def test_command__what_is_no_source__is_told(ada: Person, source: str, told: str) -> None:
    assert told in failures(source)


def test_command__unknown_customer__is_refused(ada: Person) -> None:
    with pytest.raises(CommandError, match="no customer named 'Nobody'"):
        run(FILES, customer="Nobody")


def test_command__for_one_customer__changes_nothing_of_another(ada: Person) -> None:
    rival = factories.stranger()

    run(FILES)

    assert rival.get("patchcatalog/patches").json() == []
    assert len(ada.get("patchcatalog/patches").json()) == 8


# --- sources ----------------------------------------------------------------------------------------------------------


def test_source__unpacks_to_more_than_allowed__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * 1_000_000))

    with pytest.raises(Unreadable, match="larger than 1000 bytes"), FileSource(path, tmp_path).open(1000) as stream:
        stream.read()


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_source__damaged_archive__is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.json{suffix}"
    path.write_bytes(b"this is no archive")

    with pytest.raises(Unreadable, match="damaged"), FileSource(path, tmp_path).open() as stream:
        stream.read()


def test_source__beside_a_file__never_leaves_its_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    inside, outside = written(root / "a" / "inside", "x"), written(tmp_path / "outside", "x")
    (root / "a" / "link").symlink_to(outside)
    source = FileSource(inside, root)

    assert source.beside("../../outside") is None
    assert source.beside("link") is None
    assert source.beside("inside") == FileSource(inside.resolve(), root)


def test_url__fetched__is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    served = {
        "https://example.com/dists/s/main/binary-amd64/Packages.gz": gzip.compress(PACKAGES.read_bytes()),
        "https://example.com/dists/s/Release": (SUITE / "Release").read_bytes(),
    }
    asked: list[tuple[str, float]] = []

    def opened(url: str, timeout: float) -> io.BytesIO:
        asked.append((url, timeout))
        if url not in served:
            raise OSError("404")
        return io.BytesIO(served[url])

    monkeypatch.setattr(sources._OPENER, "open", opened)

    (found,) = find(["https://example.com/dists/s/main/binary-amd64/Packages.gz"])
    gathered: list[Gathered] = list(READERS["apt"](found.source, ""))  # type: ignore[arg-type]

    assert [entry.package for entry in gathered[0].patches][-1] == "openssh-client-udeb"
    assert gathered[0].patches[0].added == {"supported_os": ["Debian 12"]}
    assert all(timeout == sources.TIMEOUT for _, timeout in asked)


def test_url__cannot_be_fetched__is_told(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(url: str, timeout: float) -> Iterator[bytes]:
        raise OSError("connection refused")

    monkeypatch.setattr(sources._OPENER, "open", refused)

    assert "cannot be fetched: connection refused" in failures("https://example.com/x.json")


def test_url__redirect_to_plain_http__is_refused() -> None:
    handler = sources._HttpsAlone()

    with pytest.raises(OSError, match="no https address"):
        handler.redirect_request(None, None, 302, "Found", {}, "http://example.com/x")


def test_url__beside__stays_on_its_host() -> None:
    source = UrlSource("https://example.com/repo/repodata/repomd.xml")

    assert source.beside("../repodata/primary.xml.gz") == UrlSource("https://example.com/repo/repodata/primary.xml.gz")
    assert source.beside("//evil.example.com/x") is None
