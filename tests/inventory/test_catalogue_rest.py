"""The catalogue over HTTP: lists, single patches, imports."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.customer_context import acting_for
from inventory.api import answers
from inventory.models import AssetPatch, Patch, PatchStatus, Supersedence, Vulnerability
from tenants.models import Role
from tests import factories
from tests.factories import NOW, Person

MS = 1_794_301_200_000
KEYS = {
    "id", "title", "type", "platform", "architecture", "bulletin", "category", "cve", "kb", "modifiedDate", "appFamily",
    "product", "publishedDate", "qid", "rebootRequired", "supersededBy", "supersedes", "vendor", "vendorSeverity",
    "vendorlink", "downloadMethod", "advisory", "enabled", "packageDetails", "isSecurity", "isSuperseded", "isRollback",
    "isCustomizedDownloadUrl",
}  # fmt: skip
CATALOGUE_KEYS = KEYS | {
    "patchId", "description", "supportedOs", "vendorPatchId", "packageManager", "package", "version", "createdDate",
    "syncDateTime", "deleted", "downloadURL", "fileChecksum", "installer", "installerArguments",
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "vendorPatchId": "5034441-x64",
    "title": "Security Update",
    "description": "Closes a hole.",
    "type": "Security",
    "platform": "Windows",
    "architecture": ["x64", "ARM64"],
    "bulletin": "MS26-001",
    "category": "Security Updates",
    "cve": ["CVE-2026-20666"],
    "kb": "KB5034441",
    "modifiedDate": MS,
    "appFamily": ["Windows"],
    "product": ["Windows Server 2022"],
    "supportedOs": ["Windows Server 2022"],
    "publishedDate": MS,
    "qid": ["92099"],
    "rebootRequired": True,
    "vendor": "Microsoft",
    "vendorSeverity": "Critical",
    "vendorlink": "https://support.example.com/5034441",
    "downloadMethod": "AcquireFromVendor",
    "advisory": "ADV1",
    "enabled": True,
    "deleted": False,
    "packageDetails": [{"packageName": "kb5034441.msu", "architecture": "x64"}],
    "isSecurity": True,
    "isRollback": False,
    "downloadURL": "https://files.example.com/kb5034441.msu",
    "fileChecksum": "ab" * 32,
    "installer": "msu",
    "installerArguments": "/quiet",
}


def imported(by: Person, *patches: Any) -> list[dict[str, Any]]:
    answer = by.post("patchcatalog/import", list(patches))
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()
    return rows


def statuses(rows: list[dict[str, Any]]) -> list[str]:
    return [row["status"] for row in rows]


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return sorted(row["title"] for row in answer.json())


# --- import -----------------------------------------------------------------------------------------------------------


def test_import__everything__comes_back_in_the_catalogue(ada: Person) -> None:
    (told,) = imported(ada, WHOLE)

    (row,) = ada.get("patchcatalog/patches").json()
    assert told == {
        "index": 0,
        "vendorPatchId": "5034441-x64",
        "patchId": row["id"],
        "status": "created",
        "errors": [],
        "unknownPatches": [],
    }
    assert row.keys() == CATALOGUE_KEYS
    assert {key: row[key] for key in WHOLE} == WHOLE
    assert (row["patchId"], row["packageManager"], row["package"]) == (row["id"], "windows", "5034441-x64")
    assert (row["supersedes"], row["supersededBy"], row["isSuperseded"]) == ([], [], False)


def test_import__a_row_of_the_catalogue_as_it_is__is_unchanged(ada: Person) -> None:
    imported(ada, WHOLE, WHOLE | {"vendorPatchId": "older", "title": "Older"})
    imported(ada, {"vendorPatchId": "5034441-x64", "supersedes": ["older"]})
    rows = ada.get("patchcatalog/patches").json()

    again = imported(ada, *rows)

    after = ada.get("patchcatalog/patches").json()
    assert statuses(again) == ["unchanged", "unchanged"]
    assert [row | {"syncDateTime": 0} for row in after] == [row | {"syncDateTime": 0} for row in rows]


def test_import__the_bare_list_or_an_object__are_the_same(ada: Person) -> None:
    assert statuses(ada.post("patchcatalog/import", {"patches": [WHOLE]}).json()) == ["created"]
    assert statuses(ada.post("patchcatalog/import", [WHOLE]).json()) == ["unchanged"]


def test_import__what_is_not_sent_stays__and_null_empties(ada: Person) -> None:
    imported(ada, WHOLE)

    told = imported(ada, {"vendorPatchId": "5034441-x64", "kb": None, "cve": None, "title": "New"})

    assert statuses(told) == ["updated"]

    (row,) = ada.get("patchcatalog/patches").json()
    assert (row["title"], row["kb"], row["cve"], row["bulletin"]) == ("New", None, [], "MS26-001")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "x" * 601}, "title"),
        ({"vendorSeverity": "Terrible"}, "vendorSeverity"),
        ({"cve": ["CVE-1"]}, "cve[0]"),
        ({"cve": [f"CVE-2026-{'1' * 30}"]}, "cve[0]"),
        ({"publishedDate": "yesterday"}, "publishedDate"),
        ({"titel": "x"}, "titel"),
        ({"vendorPatchId": None}, "vendorPatchId"),
        ({"qid": ["x"]}, "qid[0]"),
        ({"platform": "Linux"}, "packageManager"),
        ({"vulnerabilities": [{"qid": 1, "severity": 6}]}, "vulnerabilities[0].severity"),
        ({"architecture": ["x" * 33, "y"]}, "architecture[0]"),
    ],
)
def test_import__one_bad_patch__is_told_and_the_others_are_stored(ada: Person, change: Any, field: str) -> None:
    rows = imported(ada, WHOLE | change, WHOLE | {"vendorPatchId": "good"})

    assert statuses(rows) == ["failed", "created"]
    assert [one["field"] for one in rows[0]["errors"]] == [field]
    assert rows[0]["patchId"] is None
    assert list(Patch.objects.values_list("vendor_id", flat=True)) == ["good"]


def test_import__what_is_no_patch_at_all__fails_alone(ada: Person) -> None:
    assert statuses(imported(ada, 1, None, [], WHOLE)) == ["failed", "failed", "failed", "created"]


@pytest.mark.parametrize("body", [{}, "x", {"patches": 1}, {"patches": [], "more": 1}])
def test_import__what_is_no_list__is_400(ada: Person, body: Any) -> None:
    answer = ada.post("patchcatalog/import", body)

    assert answer.status_code == 400
    assert "list of patches" in answer.json()["message"]


def test_import__superseding__by_vendor_id_and_by_ours(ada: Person) -> None:
    rows = imported(
        ada,
        WHOLE | {"vendorPatchId": "new", "supersedes": ["old", "gone"]},
        WHOLE | {"vendorPatchId": "old", "title": "Old"},
    )
    newest = imported(ada, WHOLE | {"vendorPatchId": "newest", "title": "Newest", "supersedes": [rows[0]["patchId"]]})

    assert rows[0]["unknownPatches"] == ["gone"]
    old = ada.get(f"patch/{rows[1]['patchId']}").json()
    new = ada.get(f"patch/{rows[0]['patchId']}").json()
    assert (old["supersededBy"], old["isSuperseded"]) == ([rows[0]["patchId"]], True)
    assert (new["supersedes"], new["supersededBy"]) == ([rows[1]["patchId"]], [newest[0]["patchId"]])
    assert Supersedence.objects.count() == 2


def test_import__vulnerabilities__are_linked_and_told(ada: Person) -> None:
    hole = {"qid": 7, "title": "A hole", "cves": ["cve-2026-0007"], "severity": 5, "vulnType": "Potential"}

    imported(ada, WHOLE | {"qid": [92099], "vulnerabilities": [hole]})

    assert ada.get("patches").json()[0]["qid"] == ["7", "92099"]
    seven = Vulnerability.objects.get(qid=7)
    assert (seven.title, seven.cves, seven.severity, seven.vuln_type) == ("A hole", ["CVE-2026-0007"], 5, "Potential")


def test_import__by_an_operator__is_403(ada: Person) -> None:
    operator = factories.person(customer=ada.customer, role=Role.OPERATOR)

    assert operator.post("patchcatalog/import", [WHOLE]).status_code == 403


def test_import__same_key__is_answered_again(ada: Person) -> None:
    first = ada.post("patchcatalog/import", [WHOLE], **{"Idempotency-Key": "one"}).json()

    assert ada.post("patchcatalog/import", [WHOLE], **{"Idempotency-Key": "one"}).json() == first
    assert statuses(first) == ["created"]


def test_import__of_another_customer__changes_nothing_here(ada: Person) -> None:
    rival = factories.stranger()
    imported(ada, WHOLE)
    before = ada.get("patchcatalog/patches").json()

    theirs = imported(rival, WHOLE | {"title": "Mine", "supersedes": [before[0]["id"]], "deleted": True})

    assert statuses(theirs) == ["created"]
    assert theirs[0]["unknownPatches"] == [before[0]["id"]]
    assert theirs[0]["patchId"] != before[0]["id"]
    assert ada.get("patchcatalog/patches").json() == before


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(ada: Person) -> dict[str, Patch]:
    """Three patches: one missing on web, one installed on web and missing on db, one that stands nowhere."""
    imported(
        ada,
        WHOLE | {"vendorPatchId": "a", "title": "a", "vendorSeverity": "Low", "publishedDate": 1000},
        WHOLE | {"vendorPatchId": "b", "title": "b", "publishedDate": 2000},
        WHOLE | {"vendorPatchId": "c", "title": "c", "category": "Drivers", "publishedDate": 3000},
    )
    web, db = factories.asset(ada.customer, "web"), factories.asset(ada.customer, "db")
    patches = {patch.title: patch for patch in Patch.objects.all()}
    factories.missing(patches["a"], web)
    factories.installed(patches["b"], web)
    factories.missing(patches["b"], db)
    return patches


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["a", "b", "c"]),
        ({"status": "Missing"}, ["a", "b"]),
        ({"status": "installed"}, ["b"]),
        ({"havingQuery": "name:web"}, ["a", "b"]),
        ({"havingQuery": "name:web", "status": "Missing"}, ["a"]),
        ({"havingQuery": "name:db", "status": "Installed"}, []),
        ({"query": "vendorSeverity:Critical", "status": "Missing"}, ["b"]),
        ({"filter": "kb:KB5034441 and not category:Drivers"}, ["a", "b"]),
        ({"query": "packageDetails.packageName:'kb5034441.msu' and architecture:arm64"}, ["a", "b", "c"]),
        ({"query": "product:'Windows Server 2022' and qid:92099 and rebootRequired:true"}, ["a", "b", "c"]),
        ({"query": "publishedDate > 1970-01-02"}, []),
        ({"platform": "Linux"}, []),
        ({"platform": "Windows,Linux"}, ["a", "b", "c"]),
    ],
)
def test_patches__asked__are_the_same_by_get_and_post_and_counted(
    ada: Person, shelf: dict[str, Patch], asked: dict[str, str], found: list[str]
) -> None:
    def get(path: str) -> Any:
        return ada.client.get(path, asked, headers=ada.headers)

    assert titles(get("/pm/v1/patches")) == found
    assert titles(ada.post("/pm/v2/patches", asked)) == found
    assert titles(get("/pm/v1/patchcatalog/patches")) == found
    assert get("/pm/v1/patches/count").json() == {"patches": {"count": len(found)}}


def test_patches__rows__have_exactly_their_keys(ada: Person, shelf: dict[str, Patch]) -> None:
    (row,) = ada.post("/pm/v2/patches", {"query": "title:b"}).json()

    assert row.keys() == KEYS | {"missingCount", "installedCount"}
    assert (row["missingCount"], row["installedCount"]) == (1, 1)
    assert ada.get(f"patch/{row['id']}").json() == row


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("publishedDate", "abc"),
        ("-publishedDate", "cba"),
        ("missingCount,title", "cab"),
        ("vendorSeverity,-title", "cba"),
        ('[{"installedCount":"desc"},{"title":"desc"}]', "bca"),
    ],
)
def test_patches__sort__is_followed(ada: Person, shelf: dict[str, Patch], sort: str, order: str) -> None:
    rows = ada.client.get("/pm/v1/patches", {"sort": sort}, headers=ada.headers).json()

    assert "".join(row["title"] for row in rows) == order


def test_patches__attributes__are_all_that_is_answered(ada: Person, shelf: dict[str, Patch]) -> None:
    rows = ada.post(
        "/pm/v2/patches", {"attributes": ["title", "packageDetails.packageName"], "query": "title:a"}
    ).json()

    assert rows == [{"title": "a", "packageDetails": [{"packageName": "kb5034441.msu"}]}]


def test_count__grouped__tells_each_value(ada: Person, shelf: dict[str, Patch]) -> None:
    counted = ada.get("patches/count?groupBy=vendorSeverity").json()["patches"]

    assert counted == {"count": 3, "groups": [{"value": "Critical", "count": 2}, {"value": "Low", "count": 1}]}


@pytest.mark.parametrize(
    "path", ["patches?status=Gone", "patches?sort=nothing", "patches/count?groupBy=title", "patches?x=1"]
)
def test_patches__asked_for_what_there_is_not__is_400(ada: Person, path: str) -> None:
    assert ada.get(path).status_code == 400


def test_patches__withdrawn__is_in_the_catalogue_alone(ada: Person) -> None:
    imported(ada, WHOLE | {"deleted": True})

    assert ada.get("patches").json() == []
    assert ada.get("patchcatalog/patches?query=deleted:true").json()[0]["deleted"] is True


@pytest.mark.parametrize("path", ["/pm/v1/patches", "/pm/v1/patchcatalog/patches"])
def test_patches__more_rows__take_as_many_queries(ada: Person, path: str) -> None:
    def queries(number: int) -> int:
        imported(ada, *(WHOLE | {"vendorPatchId": str(one), "supersedes": ["0"]} for one in range(number)))
        with CaptureQueriesContext(connection) as asked:
            assert len(ada.get(f"{path}?pageSize=100").json()) == number
        return len(asked)

    assert queries(2) == queries(30)


def test_patch_assets__by_status__are_those_where_it_stands_so(ada: Person, shelf: dict[str, Patch]) -> None:
    path = f"patch/{shelf['b'].public_id}/assets"

    assert [row["name"] for row in ada.get(path).json()] == ["db", "web"]
    assert [row["name"] for row in ada.get(f"{path}?status=Missing").json()] == ["db"]
    assert [row["name"] for row in ada.get(f"{path}?query=name:web").json()] == ["web"]


# --- the catalogue ----------------------------------------------------------------------------------------------------


def test_catalogue__by_ids__answers_all_of_them_at_once(ada: Person) -> None:
    rows = imported(ada, *(WHOLE | {"vendorPatchId": str(one)} for one in range(15)))
    ids = [row["patchId"] for row in rows]

    answer = ada.post("patchcatalog/patches", {"patchUuid": [*ids[:12], str(uuid4())]})

    assert {row["id"] for row in answer.json()} == set(ids[:12])
    assert answer.headers["X-Total-Count"] == "12"
    assert len(ada.post("patchcatalog/patches", {"patchUuid": ids, "pageSize": 4}).json()) == 4
    assert len(ada.get(f"patchcatalog/patches?patchUuid={','.join(ids[:3])}").json()) == 3


def test_packages__of_patches__with_their_versions(ada: Person) -> None:
    linux = factories.patch(ada.customer)
    (row,) = imported(ada, WHOLE)

    answer = ada.get(f"patchcatalog/patch/packages?patchUuid={row['patchId']},{linux.public_id}")

    assert answer.json() == [
        {"patchUuid": row["patchId"], "packageName": "kb5034441.msu", "architecture": "x64", "version": None},
        {"patchUuid": str(linux.public_id), "packageName": "acme-app", "architecture": "all", "version": "2.0"},
    ]


def test_packages__of_nobodys_patch__is_404_and_of_none_400(ada: Person) -> None:
    assert ada.get(f"patchcatalog/patch/packages?patchUuid={uuid4()}").status_code == 404
    assert ada.get("patchcatalog/patch/packages").status_code == 400


def test_products__of_a_patch__are_what_was_told_or_its_package(ada: Person) -> None:
    (row,) = imported(ada, WHOLE)

    def products(of: UUID | str) -> Any:
        return ada.get(f"patchcatalog/patch/{of}/products").json()

    assert products(row["patchId"]) == [{"product": ["Windows Server 2022"]}]
    assert products(factories.patch(ada.customer).public_id) == [{"product": ["acme-app"]}]


def test_patches__as_a_viewer__may_be_asked_by_post(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)

    for path in ("/pm/v2/patches", "patchcatalog/patches", "vulnerabilities", "remediation/insights"):
        assert viewer.post(path, {}).status_code == 200


# --- vulnerabilities --------------------------------------------------------------------------------------------------


def test_vulnerabilities__by_qids__have_exactly_their_keys(ada: Person) -> None:
    hole = {"qid": 7, "title": "A hole", "cves": ["CVE-2026-0007"], "severity": 5, "detectedDate": MS}
    imported(ada, WHOLE | {"qid": [8], "vulnerabilities": [hole]})

    answer = ada.post("vulnerabilities", {"qids": ["7", 8, 9]})

    bare = {"title": None, "cves": [], "detectedDate": None, "severity": None, "vulnType": "Confirmed"}
    full = {"title": "A hole", "cves": ["CVE-2026-0007"], "detectedDate": MS, "severity": 5, "vulnType": "Confirmed"}
    assert answer.json() == [{"id": 7, **full}, {"id": 8, **bare}]


def test_vulnerabilities__as_many_as_asked_for__come_on_one_page(ada: Person) -> None:
    imported(ada, WHOLE | {"qid": list(range(1, 31))})

    assert len(ada.post("vulnerabilities", {"qids": list(range(1, 26))}).json()) == 25
    assert [row["id"] for row in ada.post("vulnerabilities", {"query": "qid >= 29"}).json()] == [29, 30]


def test_vulnerabilities__of_another_customer__are_not_found(ada: Person) -> None:
    imported(ada, WHOLE)
    rival = factories.stranger()

    assert rival.post("vulnerabilities", {"qids": [92099]}).json() == []
    assert rival.post("remediation/insights", {}).json() == []
    assert rival.get("patchcatalog/patch/products/vulnerability/count").json() == []


@pytest.fixture
def holes(ada: Person) -> dict[str, Any]:
    """Two holes on web and one on db, each with a patch; qid 4 stands nowhere."""
    rows = imported(
        ada,
        {"vendorPatchId": "a", "title": "a", "qid": [1], "product": ["Office"]},
        {"vendorPatchId": "b", "title": "b", "vulnerabilities": [{"qid": 2, "severity": 5}], "product": ["Office"]},
        {"vendorPatchId": "c", "title": "c", "qid": [3, 4], "product": ["SQL", "Office"]},
        {"vendorPatchId": "d", "title": "d", "qid": [4], "product": ["SQL"], "enabled": False},
    )
    web, db = factories.asset(ada.customer, "web"), factories.asset(ada.customer, "db")
    a, b, c, d = (Patch.objects.get(public_id=row["patchId"]) for row in rows)
    factories.missing(a, web)
    factories.missing(b, web, db)
    factories.missing(d, web)
    factories.installed(c, web, db)
    return {"web": web, "db": db, "a": a, "b": b}


def asked(ada: Person, **body: Any) -> list[int]:
    answer = ada.post("remediation/insights", body)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()]


def test_insights__what_machines_have_and_patches_close__is_told(ada: Person, holes: dict[str, Any]) -> None:
    rows = ada.post("remediation/insights", {}).json()

    assert [(row["id"], row["assetCount"]) for row in rows] == [(2, 2), (1, 1)]
    assert rows[0]["patches"] == [{"patchUuid": str(holes["b"].public_id), "title": "b", "missingCount": 2}]


def test_insights__narrowed__tells_of_those_alone(ada: Person, holes: dict[str, Any]) -> None:
    assert asked(ada, havingQuery="name:db") == [2]
    assert asked(ada, assetIds=[str(holes["db"].public_id)]) == [2]
    assert asked(ada, qids=[1, 4]) == [1]
    assert asked(ada, query="severity:null") == [1]
    assert asked(ada, platform="Linux") == []


def test_insights__unknown_asset__is_400(ada: Person) -> None:
    answer = ada.post("remediation/insights", {"assetIds": [str(uuid4())]})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "assetIds[0]")


def test_insights__closed_by_a_superseded_patch_alone__is_not_told(ada: Person, holes: dict[str, Any]) -> None:
    imported(ada, {"vendorPatchId": "z", "title": "z", "supersedes": ["a"]})

    assert asked(ada) == [2]


def test_products__vulnerabilities__are_counted_once_each(ada: Person, holes: dict[str, Any]) -> None:
    counted = ada.get("patchcatalog/patch/products/vulnerability/count").json()

    assert counted == [
        {"product": "Office", "vulnerabilityCount": 4, "detectedCount": 2},
        {"product": "SQL", "vulnerabilityCount": 2, "detectedCount": 1},
    ]
    assert ada.get("patchcatalog/patch/products/vulnerability/count?platform=Linux").json() == []


def test_insights__more_rows__take_as_many_queries(ada: Person) -> None:
    asset = factories.asset(ada.customer)

    def queries(start: int, number: int) -> int:
        imported(ada, *(WHOLE | {"vendorPatchId": str(one), "qid": [one]} for one in range(start, start + number)))
        AssetPatch.objects.bulk_create(
            AssetPatch(customer=ada.customer, asset=asset, patch=patch, status=PatchStatus.MISSING, seen_at=NOW)
            for patch in Patch.objects.filter(asset_links=None)
        )
        with CaptureQueriesContext(connection) as asked:
            ada.post("remediation/insights", {"pageSize": 100})
        return len(asked)

    assert queries(1, 2) == queries(10, 30)


def test_rows__of_a_rivals_standing__are_not_counted(ada: Person) -> None:
    rival = factories.stranger()
    imported(ada, WHOLE)
    imported(rival, WHOLE)
    with acting_for(rival.customer.pk):
        theirs = Patch.objects.get(customer=rival.customer)
    factories.missing(theirs, factories.asset(rival.customer))

    assert ada.get("patches").json()[0]["missingCount"] == 0


# --- the document -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("patches", answers.Patches),
        (("/pm/v2/patches", {}), answers.Patches),
        ("patches/count", answers.PatchCount),
        ("patches/count?groupBy=rebootRequired", answers.PatchCount),
        ("patches/count?groupBy=vendor", answers.PatchCount),
        ("patch/{}", answers.Patch),
        ("patch/{}/assets", answers.Assets),
        ("patchcatalog/patches", answers.CataloguePatches),
        (("patchcatalog/patches", {}), answers.CataloguePatches),
        ("patchcatalog/patch/packages?patchUuid={}", answers.PackagesOfPatches),
        ("patchcatalog/patch/{}/products", answers.ProductsOfPatches),
        (("patchcatalog/import", [WHOLE, {"vendorPatchId": 7, "kb": []}]), answers.ImportedPatches),
        (("vulnerabilities", {}), answers.Vulnerabilities),
        (("remediation/insights", {}), answers.Insights),
        ("patchcatalog/patch/products/vulnerability/count", answers.ProductsVulnerabilities),
    ],
)
def test_answers__of_every_route__are_as_the_document_says(
    ada: Person, holes: dict[str, Any], asked: str | tuple[str, Any], answer: Any
) -> None:
    patch_id = holes["a"].public_id

    told = ada.get(asked.format(patch_id)) if isinstance(asked, str) else ada.post(*asked)

    assert told.status_code == 200, told.content
    assert told.json()
    answer.model_validate_json(told.content)


def test_import__a_file_of_a_patch__is_told_whole_or_refused(ada: Person) -> None:
    base = {"vendorPatchId": "viewer-2", "package": "Viewer", "version": "2.0"}
    url, digest = "https://files.example.com/viewer.MSI?x=1", "AB" * 32
    wrong = [
        ({"downloadURL": url}, "fileChecksum"),
        ({"downloadURL": "http://files.example.com/a.msi", "fileChecksum": digest}, "downloadURL"),
        ({"downloadURL": "https://u:p@files.example.com/a.msi", "fileChecksum": digest}, "downloadURL"),
        ({"downloadURL": "https://files.example.com/a", "fileChecksum": digest}, "installer"),
        ({"downloadURL": url, "fileChecksum": "ab"}, "fileChecksum"),
        ({"installer": "msi"}, "installer"),
        ({"downloadURL": url, "fileChecksum": digest, "installerArguments": "a\nb"}, "installerArguments"),
    ]

    refused = imported(ada, *[base | one for one, _ in wrong])
    assert [[error["field"] for error in row["errors"]] for row in refused] == [[field] for _, field in wrong]

    assert imported(ada, base | {"downloadURL": url, "fileChecksum": digest})[0]["status"] == "created"
    patch = Patch.objects.get()
    assert (patch.download_url, patch.file_checksum, patch.installer) == (url, digest.lower(), "msi")

    assert imported(ada, base | {"downloadURL": None})[0]["status"] == "updated"
    patch.refresh_from_db()
    assert (patch.download_url, patch.file_checksum, patch.installer) == ("", "", "")
