"""The `query` parameter of the lists, also called `filter`."""

from tests import factories
from tests.factories import Person


def test_assets__query__finds_those_that_it_means(ada: Person) -> None:
    web, lab = factories.tag(ada.customer, "web"), factories.tag(ada.customer, "lab")
    one = factories.asset(ada.customer, "one", tags=(web,))
    factories.asset(ada.customer, "two", tags=(web, lab))
    factories.missing(factories.patch(ada.customer), one)

    for name in ("query", "filter"):
        rows = ada.get(f"assets?{name}=tags.name:web and not tags.name:lab and missingPatchCount > 0").json()

        assert [row["name"] for row in rows] == ["one"]


def test_patches__query__counts_and_lists_the_same(ada: Person) -> None:
    host = factories.asset(ada.customer)
    factories.missing(factories.patch(ada.customer, "acme-app", "2.0"), host)
    factories.installed(factories.patch(ada.customer, "acme-lib", "3.0"), host)

    assert [row["title"] for row in ada.get("patches?query=patchStatus:Missing").json()] == ["acme-app 2.0"]
    assert ada.get("patches/count?query=title:acme").json() == {"patches": {"count": 2}}


def test_jobs__query__finds_those_that_it_means(ada: Person) -> None:
    factories.job(ada, name="weekly servers")
    factories.job(ada, name="daily laptops")

    assert [row["name"] for row in ada.get('deploymentjobs?query=name:"weekly"').json()] == ["weekly servers"]


def test_lists__query_that_cannot_be_meant__says_where_and_what(ada: Person) -> None:
    for path, query in (("assets", "nam:x"), ("patches", "title:"), ("deploymentjobs", "(name:x")):
        answer = ada.get(f"{path}?query={query}")

        assert answer.status_code == 400
        (problem,) = answer.json()["errors"]
        assert problem["field"] == "query"
        assert "column" in problem["message"]
