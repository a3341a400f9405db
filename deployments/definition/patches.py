"""Which patches a job deals with: a list, a query that is asked just before each run, or those of another job."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from core.errors import EXCLUDES, MISSING
from core.shapes import Flag, NotSet, Report, Shape, Text, UuidList, Values, WholeNumber
from deployments.definition.linking import MAX_RULES, ChainedJobRule
from deployments.definition.values import MAX_IDS
from deployments.models.choices import JobType

NO_QUERY, PATCH_QUERY, VULNERABILITY_QUERY = 0, 1, 2
MAX_QUERY = 4_096
_QUERY_TYPE = "0 none, 1 a query for patches, 2 a query for the vulnerabilities that they close"


def _listed(value: object) -> object:
    """Numbers, also as comma text."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


class PatchFields(Shape):
    """The fields of a job that say which patches."""

    approved_patches: Annotated[
        UuidList | None,
        Field(max_length=MAX_IDS, description="Ids of patches. Excludes a query and a linked job."),
    ] = None
    is_dynamic_patches_qql: Annotated[
        Flag | None,
        Field(
            alias="isDynamicPatchesQQL",
            description="Whether a query chooses the patches just before each run. Follows the query where absent.",
        ),
    ] = None
    dynamic_qql_type: Annotated[
        WholeNumber | None,
        Field(alias="dynamicQQLType", ge=0, le=2, description=f"{_QUERY_TYPE}. A query without a type is 1."),
    ] = None
    dynamic_patches_qql: Annotated[
        Text | None,
        Field(
            alias="dynamicPatchesQQL",
            max_length=MAX_QUERY,
            description="In the query language: of the patches that are missing on the job's machines and not "
            "superseded, newest first, at most 2,000. Type 1 without a query takes all of them.",
            examples=["vendorSeverity:Critical and isSuperseded:false"],
        ),
    ] = None
    additional_dynamic_qql_type: Annotated[
        WholeNumber | None,
        Field(alias="additionalDynamicQQLType", ge=0, le=2, description=f"Of the second query: {_QUERY_TYPE}."),
    ] = None
    additional_dynamic_patches_qql: Annotated[
        Text | None,
        Field(
            alias="additionalDynamicPatchesQQL",
            max_length=MAX_QUERY,
            description="A second query; its patches are added.",
        ),
    ] = None
    linked_job_id: Annotated[
        Text | None,
        NotSet,
        Field(
            max_length=256,
            description="The parent job, by its id or its external id. The child has no patches or query of its own "
            "and gets the parent's.",
        ),
    ] = None
    chained_job_rule: Annotated[
        list[ChainedJobRule] | None,
        Field(max_length=MAX_RULES, description="When the child may start; all rules must hold. Needs linkedJobId."),
    ] = None
    remediation_qids: Annotated[
        list[WholeNumber] | None,
        BeforeValidator(_listed),
        Field(max_length=MAX_IDS, description="The vulnerabilities that the job was made for, by their qids."),
    ] = None
    is_vuln_context: Annotated[
        Flag | None,
        Field(description="The job was made for vulnerabilities: previews and mails tell which of them it closes."),
    ] = None


def query_type(values: Values | Mapping[str, Any], prefix: str = "") -> int:
    """What a job's (or, with the prefix `additional_`, its second) query is for, as its fields together say it.

    `values` are the fields by their Python names.
    """
    kind = values.get(f"{prefix}dynamic_qql_type")
    if kind is not None:
        return int(kind)
    asked = values.get(f"{prefix}dynamic_patches_qql") or (not prefix and values.get("is_dynamic_patches_qql"))
    return PATCH_QUERY if asked else NO_QUERY


_QUERY_FIELDS = (
    "is_dynamic_patches_qql",
    "dynamic_qql_type",
    "dynamic_patches_qql",
    "additional_dynamic_qql_type",
    "additional_dynamic_patches_qql",
)


def _query_says_one_thing(values: Values, report: Report) -> None:
    if not values.sound(*_QUERY_FIELDS):
        return
    for prefix in ("", "additional_"):
        _query_has_a_type(values, report, prefix)
    kinds = [query_type(values), query_type(values, "additional_")]
    dynamic = values.get("is_dynamic_patches_qql")
    if dynamic is False and any(kinds):
        message = "false excludes a query and a query type other than 0"
        report.add("is_dynamic_patches_qql", "excludes", message, EXCLUDES)
    elif dynamic and not any(kinds):
        message = "must be 1 or 2 when isDynamicPatchesQQL is true"
        report.add("dynamic_qql_type", "excludes", message, EXCLUDES)
    if kinds[1] and not kinds[0] and dynamic is not False:
        message = "is a second query, and needs a first one: dynamicQQLType 1 or 2"
        report.add("additional_dynamic_qql_type", "excludes", message, EXCLUDES)


def _query_has_a_type(values: Values, report: Report, prefix: str) -> None:
    kind, text = values.get(f"{prefix}dynamic_qql_type"), values.get(f"{prefix}dynamic_patches_qql")
    if kind == NO_QUERY and text:
        message = "0 excludes a query; send 1 for patches, 2 for vulnerabilities, or leave it out"
        report.add(f"{prefix}dynamic_qql_type", "excludes", message, EXCLUDES)
    if kind == VULNERABILITY_QUERY and not text:
        report.add(f"{prefix}dynamic_patches_qql", "required", "is required when its type is 2", MISSING)


def _patches_come_one_way(values: Values, report: Report) -> None:
    """From a list, a query or another job."""
    if not values.sound("approved_patches", "linked_job_id", *_QUERY_FIELDS):
        return
    ways = list(_ways(values))
    for name, called in ways[1:]:
        message = f"excludes {ways[0][1]}: patches come from a list, a query or a linked job ({called})"
        report.add(name, "excludes", message, EXCLUDES)
    if any(name not in {"approved_patches", "linked_job_id"} for name, _ in ways) and (
        values.get("type") == JobType.ROLLBACK
    ):
        message = "is not for Rollback: what is to be rolled back is named in approvedPatches"
        report.add("is_dynamic_patches_qql", "excludes", message, EXCLUDES)


def _ways(values: Values) -> Iterator[tuple[str, str]]:
    if values.get("approved_patches"):
        yield "approved_patches", "approvedPatches"
    if query_type(values) or query_type(values, "additional_"):
        yield "dynamic_patches_qql", "dynamicPatchesQQL"
    if values.get("linked_job_id"):
        yield "linked_job_id", "linkedJobId"


def _chain_has_a_parent(values: Values, report: Report) -> None:
    if values.get("chained_job_rule") and values.sound("linked_job_id") and values.get("linked_job_id") is None:
        report.add("linked_job_id", "required", "is required with chainedJobRule", MISSING)


PATCH_RULES = (_query_says_one_thing, _patches_come_one_way, _chain_has_a_parent)
