"""Another customer's ids: on every route and in every body they answer as ids that never existed."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from core.customer_context import acting_for
from deployments.models import HostTask, Job
from inventory.models import Asset, AssetTag, Patch, Tag
from reports.models import Report
from tenants.models import CustomerQuerySet
from tests import factories
from tests.tenants.roles import WEB, acting_as
from tests.tenants.worlds import World, two_worlds

# What a path's parameters name. Whoever adds a route says here what its ids are; a body, where one is read first.
JOB, NAME, RUN, ASSET, TAG, PATCH, ACTION, CUSTOMER, CUSTOM_PATCH_URL, FEED, CALENDAR, REPORT, AGENT, USER, KEY = (
    "job",
    "name",
    "run",
    "asset",
    "tag",
    "patch",
    "action",
    "customer",
    "custom_patch_url",
    "feed",
    "calendar",
    "report",
    "agent",
    "user",
    "key",
)
ROUTES_WITH_IDS: dict[str, dict[str, str]] = {
    "pm/v1/users/<uuid:user_id>": {"user_id": USER},
    "pm/v1/users/<uuid:user_id>/password": {"user_id": USER},
    "pm/v1/keys/<uuid:key_id>": {"key_id": KEY},
    "pm/v1/asset/<uuid:asset_id>": {"asset_id": ASSET},
    "pm/v1/asset/<uuid:asset_id>/tags/<uuid:tag_id>": {"asset_id": ASSET, "tag_id": TAG},
    "pm/v1/tag/<uuid:tag_id>": {"tag_id": TAG},
    "pm/v1/tag/<uuid:tag_id>/assets": {"tag_id": TAG},
    "pm/v1/custompatchurl/<int:custom_patch_url_id>": {"custom_patch_url_id": CUSTOM_PATCH_URL},
    "pm/v1/feeds/<uuid:feed_id>": {"feed_id": FEED},
    "pm/v1/calendars/<uuid:calendar_id>": {"calendar_id": CALENDAR},
    "pm/v1/calendars/<uuid:calendar_id>/refresh": {"calendar_id": CALENDAR},
    "pm/v1/calendars/<uuid:calendar_id>/freezes": {"calendar_id": CALENDAR},
    "pm/v1/patch/<uuid:patch_id>": {"patch_id": PATCH},
    "pm/v1/patch/<uuid:patch_id>/assets": {"patch_id": PATCH},
    "pm/v1/patchcatalog/patch/<uuid:patch_id>/products": {"patch_id": PATCH},
    "pm/v1/deploymentjobs/<str:job_id>/deprecated/patches": {"job_id": JOB},
    "pm/v1/deploymentjobs/<str:job_id>": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>": {"job_id": JOB},
    "pm/v1/deploymentjob/byname/<path:name>": {"name": NAME},
    "pm/v1/deploymentjob/update/<str:job_id>": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/clone": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/preview": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/run": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/approve": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/history": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/occurrences": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/runs": {"job_id": JOB},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/cancel": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/pause": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/resume": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/retry-failed": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/assets": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/assets/<uuid:asset_id>": {
        "job_id": JOB,
        "number": RUN,
        "asset_id": ASSET,
    },
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/patches": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/actions": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/failures": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/explain": {"job_id": JOB, "number": RUN},
    "pm/v1/deploymentjob/<str:job_id>/deploymentjobresult/summary": {"job_id": JOB},
    "pm/v1/scripts/<uuid:customer_id>/<uuid:action_id>/Script": {"customer_id": CUSTOMER, "action_id": ACTION},
    "pm/v1/scripts/<uuid:customer_id>/<uuid:action_id>/DetectionScript": {
        "customer_id": CUSTOMER,
        "action_id": ACTION,
    },
    "pm/v1/reports/<uuid:report_id>": {"report_id": REPORT},
    "pm/v1/reports/<uuid:report_id>/download": {"report_id": REPORT},
    "pm/v1/report/deploymentjobprogress/<str:job_id>": {"job_id": JOB},
    "pm/v1/report/deplymentjobprogress/<str:job_id>": {"job_id": JOB},
    "pm/v1/agent/<uuid:agent_id>": {"agent_id": AGENT},
    "pm/v1/agent/<uuid:agent_id>/release": {"agent_id": AGENT},
    "pm/v1/agent/<uuid:agent_id>/revoke": {"agent_id": AGENT},
}
BODIES: dict[tuple[str, str], Any] = {
    ("pm/v1/asset/<uuid:asset_id>", "patch"): {"name": "mine now"},
    ("pm/v1/tag/<uuid:tag_id>", "patch"): {"name": "mine now"},
    ("pm/v1/tag/<uuid:tag_id>/assets", "post"): {"query": "name:host"},
    ("pm/v1/tag/<uuid:tag_id>/assets", "delete"): {"query": "name:host"},
    ("pm/v1/calendars/<uuid:calendar_id>", "put"): {"name": "mine now", "entries": []},
    ("pm/v1/calendars/<uuid:calendar_id>", "patch"): {"name": "mine now"},
    ("pm/v1/deploymentjob/<str:job_id>", "put"): factories.job_body(name="mine now"),
    ("pm/v1/deploymentjob/<str:job_id>", "patch"): {"name": "mine now"},
    ("pm/v1/deploymentjob/update/<str:job_id>", "patch"): {"name": "mine now"},
    ("pm/v1/report/deploymentjobprogress/<str:job_id>", "post"): {"name": "mine now"},
    ("pm/v1/report/deplymentjobprogress/<str:job_id>", "post"): {"name": "mine now"},
}
# What has to be asked in the query string.
QUERIES = {"pm/v1/deploymentjob/<str:job_id>/runs/<int:number>/explain": ("assetId", ASSET)}
# A parameter that names nobody's row; or that is a secret, which is all that its holder needs.
ROUTES_WITHOUT_IDS = {
    "pm/v1/deploymentjobs/update/status/<str:status>",
    "feeds/<str:secret>.ics",
    "agent/v1/releases/<str:version>",
}
LISTS = [
    "/pm/v1/users",
    "/pm/v1/keys",
    "/pm/v1/assets",
    "/pm/v1/tags",
    "/pm/v1/custompatchurls",
    "/pm/v1/feeds",
    "/pm/v1/calendars",
    "/pm/v1/patches",
    "/pm/v1/patchcatalog/patches",
    "/pm/v1/deploymentjobs",
    "/pm/v1/deploymentjobs/summary",
    "/pm/v1/reports",
    "/pm/v1/agents",
]
METHODS = ("get", "post", "put", "patch", "delete")

Case = tuple[str, str, str]


def routes() -> Iterator[tuple[str, Any]]:
    """Every route of the service with its view."""
    yield from _below("", get_resolver().url_patterns)


def _below(prefix: str, patterns: list[Any]) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _below(route, pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def cases() -> list[Case]:
    """(method, route, the parameter that names the stranger's row), for every method of every view."""
    return [
        (method, route, parameter)
        for route, view in routes()
        for method in METHODS
        if route in ROUTES_WITH_IDS and hasattr(view.view_class, method)
        for parameter, kind in ROUTES_WITH_IDS[route].items()
        if kind != RUN
    ]


@pytest.fixture(scope="module")
def worlds(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[World, World]]:
    """Two customers that have the same things; what is asked here changes nothing. All as the web's role sees it."""
    with django_db_blocker.unblock(), two_worlds() as both, acting_as(WEB):
        yield both


@pytest.fixture
def acme(worlds: tuple[World, World]) -> World:
    """The one that is asked about."""
    return worlds[0]


@pytest.fixture
def rival(worlds: tuple[World, World]) -> World:
    """The one that asks."""
    return worlds[1]


@pytest.fixture(params=["both walls", "the database's wall alone"])
def walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once as it is, and once as if every query had forgotten whose rows it wants."""
    if request.param == "the database's wall alone":
        monkeypatch.setattr(CustomerQuerySet, "for_customer", lambda self, customer_id: self.all())


def test_routes__each_with_a_parameter__is_classified() -> None:
    with_parameters = {route for route, _ in routes() if "<" in route}

    assert with_parameters == ROUTES_WITH_IDS.keys() | ROUTES_WITHOUT_IDS


def test_routes__each_parameter__is_classified() -> None:
    for route, parameters in ROUTES_WITH_IDS.items():
        assert re.findall(r"<(?:\w+:)?(\w+)>", route) == list(parameters)


@pytest.mark.parametrize(("method", "route", "parameter"), cases())
@pytest.mark.usefixtures("walls")
def test_route__anothers_id__answers_as_an_unknown_one(
    acme: World, rival: World, method: str, route: str, parameter: str
) -> None:
    path = _path(route, rival, {parameter: _id_of(acme, ROUTES_WITH_IDS[route][parameter])})
    unknown = _path(route, rival, {parameter: _unknown_id(ROUTES_WITH_IDS[route][parameter])})

    answer = _ask(rival, method, path, BODIES.get((route, method)))

    assert answer == _ask(rival, method, unknown, BODIES.get((route, method)))
    assert answer[0] == 404
    assert answer[1]["errorCode"] == "1930"


@pytest.mark.parametrize(("method", "route", "parameter"), cases())
@pytest.mark.usefixtures("walls")
def test_route__all_ids_anothers__answers_as_all_unknown(
    acme: World, rival: World, method: str, route: str, parameter: str
) -> None:
    kinds = ROUTES_WITH_IDS[route]
    path = _path(route, rival, {name: _id_of(acme, kind) for name, kind in kinds.items()})
    unknown = _path(route, rival, {name: _unknown_id(kind) for name, kind in kinds.items()})

    answer = _ask(rival, method, path, BODIES.get((route, method)))

    assert answer == _ask(rival, method, unknown, BODIES.get((route, method)))
    assert answer[0] == 404


@pytest.mark.parametrize(
    "method_and_route", sorted({case[:2] for case in cases() if ROUTES_WITH_IDS[case[1]] == {"job_id": JOB}})
)
@pytest.mark.usefixtures("walls")
def test_route__anothers_external_id__answers_as_an_unknown_one(
    acme: World, rival: World, method_and_route: tuple[str, str]
) -> None:
    method, route = method_and_route
    path = _path(route, rival, {"job_id": str(acme.job.external_id)})

    body = BODIES.get((route, method))
    answer = _ask(rival, method, path, body)

    assert answer == _ask(rival, method, _path(route, rival, {"job_id": "nobodys"}), body)
    assert answer[0] == 404


@pytest.mark.parametrize("method_and_route", sorted({case[:2] for case in cases() if case[0] == "get"}))
def test_route__own_ids__answers(acme: World, method_and_route: tuple[str, str]) -> None:
    method, route = method_and_route

    status, _ = _ask(acme, method, _path(route, acme, {}), None)

    assert status == 200


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.usefixtures("walls")
def test_list__of_another__is_of_ones_own_rows_alone(acme: World, rival: World, path: str) -> None:
    answer = rival.ada.get(path)

    text = answer.content.decode()
    assert answer.status_code == 200
    assert len(answer.json()) in {1, 2}
    for kind in (JOB, ASSET, TAG, PATCH, ACTION, CUSTOMER, CALENDAR, REPORT):
        assert _id_of(acme, kind) not in text


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("assetIds", ASSET),
        ("exclusionAssetIds", ASSET),
        ("assetTagIds", TAG),
        ("tagIds", TAG),
        ("matchAllTagIds", TAG),
        ("exclusionTagIds", TAG),
        ("approvedPatches", PATCH),
        ("coAuthorUserIds", "user"),
        ("calendarIds", CALENDAR),
    ],
)
@pytest.mark.usefixtures("walls")
def test_create_job__names_anothers_id__answers_as_for_an_unknown_one(
    acme: World, rival: World, key: str, kind: str
) -> None:
    def ask(one: str) -> tuple[int, Any]:
        return _ask(rival, "post", "/pm/v1/deploymentjob", factories.job_body(**{key: [one]}), hide=one)

    answer = ask(_id_of(acme, kind))

    assert answer == ask(str(uuid.uuid4()))
    assert answer[0] == 400
    assert [problem["code"] for problem in answer[1]["errors"]] == ["unknown_id"]


@pytest.mark.parametrize(("method", "path"), [("post", "/pm/v1/tags"), ("patch", "/pm/v1/tag/{own}")])
@pytest.mark.usefixtures("walls")
def test_tag__below_anothers_tag__answers_as_for_an_unknown_one(
    acme: World, rival: World, method: str, path: str
) -> None:
    def ask(one: str) -> tuple[int, Any]:
        own = path.format(own=rival.tag.public_id)
        return _ask(rival, method, own, {"name": "below", "parentId": one}, hide=one)

    answer = ask(str(acme.parent.public_id))

    assert answer == ask(str(uuid.uuid4()))
    assert answer[0] == 400


@pytest.mark.parametrize(
    ("call", "key", "kind"),
    [
        ("patch /pm/v1/asset/{asset}", "tags", TAG),
        ("post /pm/v1/tag/{tag}/assets", "assetIds", ASSET),
        ("delete /pm/v1/tag/{tag}/assets", "assetIds", ASSET),
    ],
)
@pytest.mark.usefixtures("walls")
def test_tagging__names_anothers_id__answers_as_for_an_unknown_one(
    acme: World, rival: World, call: str, key: str, kind: str
) -> None:
    method, path = call.split()

    def ask(one: str) -> tuple[int, Any]:
        own = path.format(asset=rival.asset.public_id, tag=rival.tag.public_id)
        return _ask(rival, method, own, {key: [one]}, hide=one)

    answer = ask(_id_of(acme, kind))

    assert answer == ask(str(uuid.uuid4()))
    assert answer[0] == 400
    assert [problem["code"] for problem in answer[1]["errors"]] == ["unknown_id"]


@pytest.mark.parametrize("status", ["Enabled", "Disabled"])
@pytest.mark.usefixtures("walls")
def test_status__of_anothers_job__fails_as_for_an_unknown_one(acme: World, rival: World, status: str) -> None:
    def ask(one: str) -> tuple[int, Any]:
        return _ask(rival, "post", f"/pm/v1/deploymentjobs/update/status/{status}", {"ids": [one]}, hide=one)

    for one in (str(acme.job.public_id), str(acme.job.external_id)):
        answer = ask(one)
        assert answer == ask(str(uuid.uuid4()))
        assert answer == (200, [{"id": "ID", "name": None, "status": "failure", "error": "not found"}])


@pytest.mark.usefixtures("walls")
def test_delete_many__of_anothers_job__fails_as_for_an_unknown_one(acme: World, rival: World) -> None:
    def ask(one: str) -> tuple[int, Any]:
        return _ask(rival, "delete", "/pm/v1/deploymentjobs", {"ids": [one]}, hide=one)

    for one in (str(acme.job.public_id), str(acme.job.external_id)):
        answer = ask(one)
        assert answer == ask(str(uuid.uuid4()))
        assert answer[0] == 200
        assert answer[1][0]["status"] == "failure"


def test_victim__after_all_of_it__has_everything_still(acme: World) -> None:
    with acting_for(acme.customer.pk):
        assert Asset.objects.get(pk=acme.asset.pk).name == acme.asset.name
        assert set(Tag.objects.values_list("name", flat=True)) == {"parent", "tag"}
        assert AssetTag.objects.count() == 1
        assert Patch.objects.count() == 2
        assert Job.objects.get().state == "Enabled"
        assert HostTask.objects.get().state == "Leased"
        assert [one.state for one in Report.objects.all()] == ["Ready"]


def test_co_author__of_anothers_customer__is_no_author(acme: World, rival: World) -> None:
    answer = rival.colleague.post(f"deploymentjob/{acme.job.public_id}/run")

    assert answer.status_code == 404


def _id_of(of: World, kind: str) -> str:
    if kind == RUN:
        return str(of.run.instance)
    if kind == NAME:
        return of.job.name
    if kind == CUSTOM_PATCH_URL:
        return str(of.custom_patch_url.number)
    row = of.ada.user if kind == "user" else getattr(of, kind)
    return str(row.public_id)


def _unknown_id(kind: str) -> str:
    if kind == CUSTOM_PATCH_URL:
        return "1000"
    return "1" if kind == RUN else str(uuid.uuid4())


def _path(route: str, own: World, changes: dict[str, str]) -> str:
    """The route with this customer's ids, but for the changes."""
    ids = {name: _id_of(own, kind) for name, kind in ROUTES_WITH_IDS[route].items()} | changes
    key, kind = QUERIES.get(route, ("", ""))
    query = f"?{key}={_id_of(own, kind)}" if key else ""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids[found[1]], route) + query


def _ask(by: World, method: str, path: str, body: Any, *, hide: str = "no id") -> tuple[int, Any]:
    """Status and body, without what is different each time: the request's id, and the id asked about."""
    send = getattr(by.ada, method)
    answer = send(path) if method == "get" else send(path, body)
    found = b"".join(answer.streaming_content).decode() if answer.streaming else answer.json()
    if isinstance(found, dict):
        found.pop("requestId", None)
    return answer.status_code, _without(found, hide)


def _without(value: Any, hidden: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, hidden) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, hidden) for one in value]
    return value.replace(hidden, "ID") if isinstance(value, str) else value
