"""Custom patch URLs: made, counted, refused, deleted."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from core.addresses import public_https, public_https_base
from inventory.models import CustomPatchUrl
from tenants.models import Role
from tests import factories
from tests.factories import Person

URL = "https://patches.example.com/base"


def test_create__read_list_delete(ada: Person) -> None:
    made = ada.post("custompatchurls", {"url": URL, "name": "mirror"})
    other = ada.post("custompatchurls", {"url": f"{URL}/2"}).json()

    row = made.json()
    assert (made.status_code, made["Location"]) == (201, "/pm/v1/custompatchurl/1")
    assert row == {
        "id": 1,
        "name": "mirror",
        "url": URL,
        "createdBy": {
            "user": {"id": str(ada.user.public_id), "name": "ada", "fullName": "ada"},
            "date": row["createdBy"]["date"],
        },
    }
    assert other["name"] is None
    assert ada.get("custompatchurl/1").json() == row
    assert ada.get("custompatchurls").json() == [row, other]
    assert ada.delete("custompatchurl/1").json() == {"deleted": 1}
    assert ada.get("custompatchurl/1").status_code == 404
    assert ada.post("custompatchurls", {"url": URL}).json()["id"] == 3


def test_create__answer_sent_again_under_another_address__is_read(ada: Person) -> None:
    row = ada.post("custompatchurls", {"url": URL, "name": "mirror"}).json()

    answer = ada.post("custompatchurls", row | {"url": f"{URL}/2"})

    assert (answer.status_code, answer.json()["id"], answer.json()["name"]) == (201, 2, "mirror")


@pytest.mark.parametrize(
    "url",
    [
        "http://patches.example.com",
        "ftp://patches.example.com",
        "patches.example.com",
        "https://",
        "https:///base",
        "https://user:secret@patches.example.com",
        "https://user@patches.example.com",
        "https://@patches.example.com",
        "https://localhost/base",
        "https://a.localhost",
        "https://127.0.0.1",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0177.0.0.1",
        "https://10.0.0.1",
        "https://172.16.5.4:8443/base",
        "https://192.168.1.1",
        "https://169.254.169.254/latest",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://224.0.0.1",
        "https://[::1]",
        "https://[::]",
        "https://[fe80::1]",
        "https://[fc00::1]",
        "https://[::ffff:10.0.0.1]",
        "https://[64:ff9b::10.0.0.1]",
        "https://[2002:7f00:1::]",
        "https://patches.example.com/base?x=1",
        "https://patches.example.com/base#x",
        "https://patches.example.com:99999",
        "https://patches.example.com /base",
        "https://patches.example.com\\@10.0.0.1",
        "https://pätches.example.com",
        "https://a..example.com",
        "https://patches.example.com/" + "x" * 2000,
        "",
        None,
    ],
)
def test_create__address_that_machines_must_not_fetch_from__is_refused(ada: Person, url: Any) -> None:
    answer = ada.post("custompatchurls", {"url": url})

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["url"]
    assert not CustomPatchUrl.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://8.8.8.8/base",
        "https://[2606:4700::1111]:8443/base/",
        "HTTPS://Patches.Example.Com",
        "https://xn--ptches-bua.example.com",
        "https://patches.example.com./base%20two",
    ],
)
def test_create__public_address__comes_back_as_it_was_sent(ada: Person, url: str) -> None:
    assert ada.post("custompatchurls", {"url": url}).json()["url"] == url


def test_public_https__query__is_for_files_and_not_for_bases() -> None:
    assert public_https(f"{URL}/app.deb?token=1") == f"{URL}/app.deb?token=1"
    with pytest.raises(ValueError, match="query"):
        public_https_base(f"{URL}/app.deb?token=1")


def test_create__same_address_again__conflicts_and_names_the_first(ada: Person) -> None:
    ada.post("custompatchurls", {"url": URL})

    answer = ada.post("custompatchurls", {"url": URL})

    assert (answer.status_code, answer.json()["errorCode"]) == (409, "1920")
    assert "custom patch URL 1 " in answer.json()["message"]
    assert factories.stranger().post("custompatchurls", {"url": URL}).json()["id"] == 1


def test_create__same_key_twice__makes_one(ada: Person) -> None:
    answers = [ada.post("custompatchurls", {"url": URL}, **{"Idempotency-Key": "first"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


def test_create__many_at_once__have_different_ids_and_one_of_an_address(committed: None) -> None:
    ada = factories.person(customer=factories.customer())

    different = factories.at_once(lambda n: ada.post("custompatchurls", {"url": f"{URL}/{n}"}).json()["id"], *range(6))
    same = factories.at_once(lambda: ada.post("custompatchurls", {"url": URL}).status_code, threads=4)

    assert sorted(different) == list(range(1, 7))
    assert sorted(same) == [201, 409, 409, 409]


def test_create__by_role__takes_an_administrator(ada: Person) -> None:
    operator = factories.person(customer=ada.customer, role=Role.OPERATOR)
    ada.post("custompatchurls", {"url": URL})

    assert operator.post("custompatchurls", {"url": f"{URL}/2"}).status_code == 403
    assert operator.delete("custompatchurl/1").status_code == 403
    assert operator.get("custompatchurl/1").status_code == 200


def test_delete__named_by_a_job__conflicts(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    ada.post("custompatchurls", {"url": URL})

    def protected(self: CustomPatchUrl) -> None:
        raise ProtectedError("jobs name it", {self})

    monkeypatch.setattr(CustomPatchUrl, "delete", protected)
    answer = ada.delete("custompatchurl/1")

    assert (answer.status_code, answer.json()["errorCode"]) == (409, "1920")
    assert ada.get("custompatchurl/1").status_code == 200


@pytest.mark.parametrize("one", ["0", "7", "99999999999999999999", "x", "-1"])
def test_one__that_is_none__is_404(ada: Person, one: str) -> None:
    answer = ada.get(f"custompatchurl/{one}")

    assert (answer.status_code, answer.json()["errorCode"]) == (404, "1930")


def test_list__sorted_filtered_and_many__takes_as_many_queries_as_one(ada: Person) -> None:
    counts = []
    for number in range(3):
        ada.post("custompatchurls", {"url": f"{URL}/{number}", "name": "abc"[number]})
        with CaptureQueriesContext(connection) as captured:
            rows = ada.get("custompatchurls?sort=-id").json()
        counts.append(len(captured))

    assert [row["id"] for row in rows] == [3, 2, 1]
    assert len(set(counts)) == 1
    assert [row["id"] for row in ada.get("custompatchurls?query=name:b").json()] == [2]
    assert ada.get("custompatchurls?query=nam:b").status_code == 400
