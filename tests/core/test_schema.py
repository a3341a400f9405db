"""The OpenAPI document: current, complete, and what the service really answers."""

import json
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
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from agents.api import answers as of_agents
from core import errors, openapi
from core.customer_context import acting_for
from core.openapi import refusals
from core.shapes import Shape
from deployments import services as deployments
from deployments.api import action_answers, examples
from deployments.api import answers as of_deployments
from deployments.models import Run
from inventory.api import answers as of_inventory
from inventory.models import Patch, Platform
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


@pytest.fixture(scope="module")
def plain(document: dict[str, Any]) -> dict[str, Any]:
    """As whoever fetches it reads it."""
    return dict(yaml.safe_load(OpenApiYamlRenderer().render(document, renderer_context={})))


def resolved(document: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """What a reference is for."""
    for part in one.get("$ref", "#").split("/")[1:]:
        one = document if part == "components" else one
        one = one[part]
    return one


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


def test_document__generated_now__is_valid(plain: dict[str, Any]) -> None:
    errors = OpenAPIV31SpecValidator(plain).iter_errors()

    assert [f"{'/'.join(map(str, one.path))}: {one.message}" for one in errors] == []


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
        if status.startswith("2") and status != "204"
        for body in answer.get("content", {"": {"schema": {}}}).values()
        if "$ref" not in body["schema"] and body["schema"].get("type") != "string"
    ]

    assert vague == []


def test_document__every_operation__says_how_it_refuses(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        answers = operation["responses"]
        wanted = {"400", "401", "406", "default"}
        wanted |= {"404"} if "{" in path else set()
        wanted |= {"413", "415"} if "requestBody" in operation else set()
        wanted |= {"403"} if method != "get" and path.startswith("/pm/") else set()
        names = {one.get("name") for one in operation["parameters"]}
        asked = [one for one in operation["parameters"] if one.get("in") == "query"]
        lists = [one for one in asked if one["schema"]["type"] == "array"]
        wanted |= {"414"} if lists else set()
        wanted |= {"409"} if "Idempotency-Key" in names else set()
        wanted |= {"412"} if "If-Match" in names else set()
        assert wanted <= set(answers), operation["operationId"]
        # 414 comes from the server in front, and says no more.
        for status in answers.keys() - {"200", "201", "202", "204", "414"}:
            answer = resolved(document, answers[status])
            schemas = {body["schema"]["$ref"].rpartition("/")[2] for body in answer["content"].values()}
            assert schemas <= {"Error", "ReportsRefused", "CheckInRefused"}, (operation["operationId"], status)


def test_document__every_error_code__is_explained(document: dict[str, Any]) -> None:
    known = {
        value
        for name, value in vars(errors).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }
    told = {code for one in [*refusals.REFUSALS.values(), refusals.OTHERS] for code in one.codes}

    assert told == known
    for one in _subclasses(errors.DomainError):
        listed = refusals.REFUSALS.get(one.status, refusals.OTHERS)
        assert one.error_code in listed.codes, one


def test_document__every_answer__has_a_request_id(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        assert {"$ref": "#/components/parameters/RequestId"} in operation["parameters"]
        for status, answer in operation["responses"].items():
            if status == "414":
                # The service never saw that request.
                continue
            assert "X-Request-ID" in resolved(document, answer)["headers"]


def test_document__every_merge_patch__requires_nothing(document: dict[str, Any]) -> None:
    """Objects are merged at any depth; lists are replaced, so that their items are whole."""
    bodies = [
        body["schema"]
        for _, method, operation in operations(document)
        if method == "patch"
        for body in operation["requestBody"]["content"].values()
    ]

    assert bodies
    for schema in bodies:
        for one in _merged_objects(document, schema):
            assert "required" not in one
            assert [name for name, field in one["properties"].items() if "default" in field] == []


def _merged_objects(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    schema = resolved(document, schema)
    for one in schema.get("anyOf", ()):
        yield from _merged_objects(document, one)
    if "properties" in schema:
        yield schema
        for one in schema["properties"].values():
            yield from _merged_objects(document, one)


def test_document__bodies_of_delete__are_in_it(document: dict[str, Any]) -> None:
    taking = [
        one["operationId"] for _, method, one in operations(document) if method == "delete" and "requestBody" in one
    ]

    assert {"deleteJobs", "removeDeprecatedPatches"} <= set(taking)


def test_document__every_link__leads_to_an_operation_with_all_of_its_ids(document: dict[str, Any]) -> None:
    by_id = {operation["operationId"]: operation for _, _, operation in operations(document)}
    led_to = set()
    for _, _, operation in operations(document):
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                target = by_id[link["operationId"]]
                needed = {one["name"] for one in target["parameters"] if one.get("in") == "path"}
                assert set(link["parameters"]) == needed
                led_to.add(target["operationId"])

    assert led_to >= {"readJob", "changeJob", "deleteJob", "runJob", "readRun", "readAsset", "changeTag", "readPatch"}


def test_document__every_example__fits_its_schema(plain: dict[str, Any]) -> None:
    examples = list(_examples(plain, plain["paths"])) + list(_examples(plain, plain["components"]))

    assert len(examples) > 20
    for schema, example in examples:
        whole = {**schema, "components": plain["components"]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(example)


def _examples(document: dict[str, Any], part: Any) -> Any:
    """Pairs of a schema and an example, of bodies and of fields."""
    if isinstance(part, list):
        for one in part:
            yield from _examples(document, one)
    if not isinstance(part, dict):
        return
    if "schema" in part:
        if "example" in part:
            yield part["schema"], part["example"]
        yield from ((part["schema"], one["value"]) for one in part.get("examples", {}).values())
    elif isinstance(part.get("examples"), list) and ("type" in part or "anyOf" in part):
        yield from (({key: one for key, one in part.items() if key != "examples"}, each) for each in part["examples"])
    for one in part.values():
        yield from _examples(document, one)


@pytest.mark.parametrize("operation_id", ["signIn", "createJob", "replaceJob", "changeJob", "createTag", "previewJob"])
def test_document__main_bodies__have_examples(document: dict[str, Any], operation_id: str) -> None:
    operation = next(one for _, _, one in operations(document) if one["operationId"] == operation_id)

    assert operation["requestBody"]["content"]["application/json"]["examples"]


def test_document__every_list__is_an_array_with_paging(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    short = {"listPatchProducts", "listPatchPackages"}
    ids = {one["operationId"]: one for _, _, one in operations(document)}
    lists = [one for name, one in ids.items() if name.startswith("list") and name not in short]

    assert len(lists) > 10
    for operation in lists:
        answer = operation["responses"]["200"]
        name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert schemas[name]["type"] == "array"
        assert set(answer["headers"]) == {"X-Total-Count", "Link", "searchAfter", "X-Request-ID"}
        asked = {one["name"] for one in operation["parameters"] if one.get("in") == "query"}
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
    for model in _subclasses(BaseModel):
        if model.__module__.partition(".")[0] in {"tests", "pydantic"}:
            continue
        name = f"{model.__name__}Request" if issubclass(model, Shape) else model.__name__
        if name in document["components"]["schemas"]:
            assert named.setdefault(name, model) is model


def _subclasses(base: Any) -> Any:
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)


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
    check(action_answers.Script, ada.get(f"scripts/{path}"))
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
    check(of_inventory.FoundAssets, ada.post("assets", {}))
    check(of_inventory.AssetCount, ada.get("assets/count?groupBy=rebootRequired"))
    check(of_inventory.MappedAssets, ada.post("assets/uuids", [1]))
    check(of_inventory.Asset, ada.patch(f"asset/{asset}", {"name": "renamed"}))
    check(of_inventory.Tagged, ada.post(f"tag/{tag}/assets", {"query": "name:*"}))
    check(of_inventory.Tagged, ada.delete(f"tag/{tag}/assets", {"query": "name:*"}))
    check(of_inventory.CustomPatchUrl, ada.post("custompatchurls", {"url": "https://patches.example.com"}), status=201)
    check(of_inventory.CustomPatchUrls, ada.get("custompatchurls"))
    check(of_inventory.CustomPatchUrlDeleted, ada.delete("custompatchurl/1"))
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


@pytest.mark.parametrize("name", examples.JOBS)
def test_examples__of_jobs__are_accepted(ada: Person, name: str) -> None:
    body = dict(examples.JOBS[name])
    platform = Platform(body["platform"])
    asset = factories.asset(ada.customer, platform=platform)
    script = factories.script() | {"scriptType": "ps" if platform == Platform.WINDOWS else "sh"}
    parent = factories.job(ada, platform=platform.value, postDeployActions=[script])
    patch = factories.patch(ada.customer)
    Patch.objects.filter(pk=patch.pk).update(platform=platform)
    ids = {
        examples.ASSET: asset.public_id,
        examples.TAG: factories.tag(ada.customer, "tills").public_id,
        examples.PATCH: patch.public_id,
        examples.PARENT: parent.public_id,
    }
    text = json.dumps(body)
    for stands_for, meant in ids.items():
        text = text.replace(stands_for, str(meant))

    answer = ada.post("deploymentjob/validate", json.loads(text)).json()

    assert answer["errors"] == []
    assert answer["valid"]


def test_answers__refusals__are_as_declared(ada: Person) -> None:
    check(openapi.Error, ada.post("deploymentjob", {"nam": 1}), status=400)
    check(openapi.Error, Client().get("/pm/v1/assets"), status=401)
    check(openapi.Error, ada.get("deploymentjob/nothing"), status=404)
    check(openapi.Error, ada.put("assets"), status=405)
