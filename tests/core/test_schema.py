"""The OpenAPI document: current, complete, and what the service really answers."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema
from pydantic import BaseModel

from agents.api import answers as of_agents
from core import openapi
from core.customer_context import acting_for
from deployments import services as deployments
from deployments.api import answers as of_deployments
from deployments.models import Run
from inventory.api import answers as of_inventory
from tenants.api import answers as of_tenants
from tests import factories
from tests.factories import NOW, Person

STORED = Path(settings.BASE_DIR) / "schema" / "openapi.yaml"
METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Generated now, without a warning."""
    generator = SchemaGenerator()
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        made = generator.get_schema(request=None, public=True)
    assert not list(GENERATOR_STATS._warn_cache) + list(GENERATOR_STATS._error_cache)
    return dict(made)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method, operation."""
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_document__generated_now__is_the_stored_one(document: dict[str, Any]) -> None:
    generated = OpenApiYamlRenderer().render(document, renderer_context={}).decode()

    assert generated == STORED.read_text(), "run `make schema`"


def test_document__generated_now__is_valid(document: dict[str, Any]) -> None:
    validate_schema(yaml.safe_load(OpenApiYamlRenderer().render(document, renderer_context={})))


def test_document__all_routes_of_the_api__are_in_it(document: dict[str, Any]) -> None:
    routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", "/" + path)
        for path in _routes(get_resolver().url_patterns)
        if path.startswith(("pm/", "agent/", "auth"))
    }

    assert set(document["paths"]) == routes


def _routes(patterns: Any, prefix: str = "") -> Any:
    for one in patterns:
        path = prefix + str(one.pattern)
        if hasattr(one, "url_patterns"):
            yield from _routes(one.url_patterns, path)
        else:
            yield path


def test_document__every_operation__has_a_readable_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][A-Za-z]+", name)] == []


def test_document__every_good_answer__has_a_schema(document: dict[str, Any]) -> None:
    vague = [
        operation["operationId"]
        for _, _, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status != "204"
        for body in answer.get("content", {"": {"schema": {}}}).values()
        if "$ref" not in body["schema"] and body["schema"].get("type") != "string"
    ]

    assert vague == []


def test_document__every_operation__says_how_it_refuses(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for status in ("400", "401"):
            schema = operation["responses"][status]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}, operation["operationId"]


def test_document__every_list__is_an_array_with_paging(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    lists = [one for _, _, one in operations(document) if one["operationId"].startswith("list")]

    assert len(lists) == 7
    for operation in lists:
        answer = operation["responses"]["200"]
        name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert schemas[name]["type"] == "array"
        assert set(answer["headers"]) == {"X-Total-Count", "Link", "searchAfter"}
        asked = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        assert asked >= {"pageNumber", "pageSize", "searchAfter"}


def test_document__who_may_call__is_said(document: dict[str, Any]) -> None:
    open_to_all = {"signIn", "refreshToken", "agentEnrol"}

    assert set(document["components"]["securitySchemes"]) == {"bearer", "session", "agentCredential"}
    for path, _, operation in operations(document):
        if operation["operationId"] in open_to_all:
            assert "security" not in operation
        elif path.startswith("/agent/"):
            assert operation["security"] == [{"agentCredential": []}]
        else:
            assert operation["security"] == [{"bearer": []}, {"session": []}]


def test_document__models_of_one_name__are_one_model(document: dict[str, Any]) -> None:
    """Of two models with one name, the document would silently show the first for both."""
    named: dict[str, Any] = {}
    for model in _models(BaseModel):
        if model.__module__.partition(".")[0] in {"tests", "pydantic"}:
            continue
        if model.__name__ in document["components"]["schemas"]:
            assert named.setdefault(model.__name__, model) is model


def _models(base: type[BaseModel]) -> Any:
    for one in base.__subclasses__():
        yield one
        yield from _models(one)


@pytest.mark.parametrize("path", ["/schema/swagger", "/schema/redoc", "/schema"])
def test_pages__without_a_sign_in__work_without_another_server(db: None, path: str) -> None:
    answer = Client().get(path)

    text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
    assert answer.status_code == 200
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']*""", text) == []


# --- what is really answered ------------------------------------------------------------------------------------------


@pytest.fixture
def story(ada: Person) -> dict[str, Any]:
    """A job with everything, its run, and its one host."""
    tag = factories.tag(ada.customer, "web")
    below = factories.tag(ada.customer, "web-berlin", parent=tag)
    asset = factories.asset(ada.customer, "host", tags=(tag, below))
    patch = factories.patch(ada.customer)
    factories.missing(patch, asset)
    factories.installed(factories.patch(ada.customer, package="other"), asset)
    body = factories.job_body(
        status="Enabled",
        approvedPatches=[str(patch.public_id)],
        assetIds=[str(asset.public_id)],
        preDeployActions=[factories.script()],
        notification={
            "notificationTypes": {"email": True},
            "notificationConfigs": {"recipientEmails": ["ops@example.com"]},
            "notificationEvents": {"onJobStart": True},
        },
    )
    job = ada.post("deploymentjob", body).json()
    with acting_for(ada.customer.pk):
        deployments.resolve(run_id=Run.objects.get().pk, at=NOW)
    return {"job": job["id"], "asset": asset, "tag": tag, "below": below, "patch": patch}


def check(model: type[BaseModel], answer: Any, *, status: int = 200) -> None:
    """The answer has this status and exactly this shape."""
    assert answer.status_code == status, answer.content
    model.model_validate_json(answer.content)


def test_answers__jobs_and_runs__are_as_declared(ada: Person, story: dict[str, Any]) -> None:
    job, asset = story["job"], story["asset"].public_id

    check(of_deployments.Job, ada.post("deploymentjob", factories.job_body()), status=201)
    check(of_deployments.Job, ada.get(f"deploymentjob/{job}"))
    check(of_deployments.Jobs, ada.get("deploymentjobs"))
    check(of_deployments.RunOpened, ada.post(f"deploymentjob/{job}/run"), status=202)
    check(of_deployments.Occurrences, ada.get(f"deploymentjob/{job}/runs"))
    check(of_deployments.Run, ada.get(f"deploymentjob/{job}/runs/1"))
    check(of_deployments.RunHosts, ada.get(f"deploymentjob/{job}/runs/1/assets"))
    check(of_deployments.RunHostSteps, ada.get(f"deploymentjob/{job}/runs/1/assets/{asset}"))
    path = ada.get(f"deploymentjob/{job}").json()["preDeployActions"][0]["script"]
    check(of_deployments.Script, ada.get(f"scripts/{path}"))
    body = {"ids": [job, "no such job"]}
    check(of_deployments.SwitchedJobs, ada.post("deploymentjobs/update/status/Enabled", body))


def test_answers__changing_jobs__are_as_declared(ada: Person) -> None:
    job = str(factories.job(ada).public_id)

    check(of_deployments.Job, ada.put(f"deploymentjob/{job}", factories.job_body(name="other")))
    check(of_deployments.Job, ada.patch(f"deploymentjob/{job}", {"name": "another"}))
    check(of_deployments.Job, ada.patch(f"deploymentjob/update/{job}", {"name": "yet another"}))
    check(of_deployments.Job, ada.get("deploymentjob/byname/yet another"))
    check(of_deployments.Job, ada.post(f"deploymentjob/{job}/clone"), status=201)
    check(of_deployments.Validation, ada.post("deploymentjob/validate", factories.job_body()))
    check(of_deployments.Validation, ada.post("deploymentjob/validate", {}))
    check(of_deployments.SwitchedJobs, ada.delete("deploymentjobs", {"ids": [job]}))


def test_answers__deleting_jobs__are_as_declared(ada: Person, story: dict[str, Any]) -> None:
    unused = factories.job(ada)

    check(of_deployments.JobDeleted, ada.delete(f"deploymentjob/{unused.public_id}"))
    answer = ada.delete(f"deploymentjobs/{story['job']}")
    model = of_deployments.JobQueued if answer.status_code == 202 else of_deployments.JobDeleted
    check(model, answer, status=answer.status_code)


def test_answers__inventory__are_as_declared(ada: Person, story: dict[str, Any]) -> None:
    asset, tag, patch = (story[name].public_id for name in ("asset", "below", "patch"))

    check(of_inventory.Assets, ada.get("assets"))
    check(of_inventory.Asset, ada.get(f"asset/{asset}"))
    check(of_inventory.Tags, ada.get("tags"))
    check(of_inventory.Tag, ada.post("tags", {"name": "new"}), status=201)
    check(of_inventory.Tag, ada.get(f"tag/{tag}"))
    check(of_inventory.Tag, ada.patch(f"tag/{tag}", {"name": "newer"}))
    check(of_inventory.Asset, ada.delete(f"asset/{asset}/tags/{tag}"))
    check(of_inventory.Asset, ada.put(f"asset/{asset}/tags/{tag}"))
    check(of_inventory.Patches, ada.get("patches"))
    check(of_inventory.PatchCount, ada.get("patches/count"))
    check(of_inventory.Patch, ada.get(f"patch/{patch}"))
    check(of_inventory.Assets, ada.get(f"patch/{patch}/assets"))
    check(of_inventory.Deleted, ada.delete(f"tag/{tag}"))
    check(of_inventory.Deleted, ada.delete(f"asset/{factories.asset(ada.customer).public_id}"))


def test_answers__signing_in__are_as_declared(ada: Person) -> None:
    factories.person(customer=ada.customer, username="eve", password="a long password")

    answer = Client().post(
        "/auth",
        {"username": "eve", "password": "a long password"},
        "application/json",
        headers={"Accept": "application/json"},
    )

    check(of_tenants.SignedIn, answer, status=201)


def test_answers__agents__are_as_declared(ada: Person, story: dict[str, Any]) -> None:
    _, headers = factories.agent(story["asset"])

    answer = Client().post("/agent/v1/check-in", {"agentVersion": "1"}, "application/json", headers=headers)

    check(of_agents.CheckedIn, answer)


def test_answers__refusals__are_as_declared(ada: Person) -> None:
    check(openapi.Error, ada.post("deploymentjob", {"nam": 1}), status=400)
    check(openapi.Error, Client().get("/pm/v1/assets"), status=401)
    check(openapi.Error, ada.get("deploymentjob/nothing"), status=404)
    check(openapi.Error, ada.put("assets"), status=405)
