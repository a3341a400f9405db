"""Which machines a job is for, and who may edit it."""

from typing import Annotated

from pydantic import Field

from core.shapes import AlsoNamed, Shape, UuidList, choice
from deployments.definition.values import MAX_IDS
from deployments.models.choices import Combine


class TargetFields(Shape):
    """The fields of a job that say where."""

    asset_ids: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Assets to include.")] = None
    asset_tag_ids: Annotated[
        UuidList | None,
        AlsoNamed("tagIds"),
        Field(max_length=MAX_IDS, description="Include assets with these tags, or with tags below them."),
    ] = None
    filter_type: Annotated[
        Combine, choice(Combine), Field(description="Whether an asset needs one of the tags, or all.")
    ] = Combine.ANY
    match_all_tag_ids: Annotated[
        UuidList | None, Field(max_length=MAX_IDS, description="Assets must carry all of these besides.")
    ] = None
    exclusion_asset_ids: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Taken away last.")] = None
    exclusion_tag_ids: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Taken away last.")] = None
    exclusion_filter_type: Annotated[
        Combine, choice(Combine), Field(description="Whether an asset is taken away by one of the tags, or by all.")
    ] = Combine.ANY
    co_author_user_ids: Annotated[
        UuidList | None, Field(max_length=1_000, description="People who may edit the job beside its author.")
    ] = None
