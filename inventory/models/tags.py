"""Labels on assets."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from inventory.models.assets import Asset
from tenants.models import CustomerOwned, SameCustomerKey


class Tag(CustomerOwned):
    """A label on assets. An asset with a tag counts as having the tag's ancestors too."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    parent = SameCustomerKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    # Assets that this finds carry the tag, beside those that people put it on; empty for none.
    query = models.TextField(blank=True)
    # When its members were last told anew; null where it has no query.
    members_told_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(query="", members_told_at=None) | (~Q(query="") & Q(members_told_at__isnull=False)),
                name="a_tag_with_a_query_has_told_members",
            ),
            models.UniqueConstraint(fields=["customer", "name"], name="one_tag_of_a_name_per_customer"),
            models.CheckConstraint(condition=~Q(parent=models.F("id")), name="tag_is_not_its_own_parent"),
        ]
        indexes: ClassVar = [
            # The sweep that tells members anew.
            models.Index(
                fields=["members_told_at"], condition=Q(members_told_at__isnull=False), name="tag_by_members_told"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AssetTag(CustomerOwned):
    """A tag on an asset, and who put it there: a person, the tag's query, or both."""

    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="tag_links")
    tag = SameCustomerKey(Tag, on_delete=models.CASCADE, related_name="asset_links")
    by_hand = models.BooleanField(default=True)
    by_query = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(by_hand=True) | Q(by_query=True), name="somebody_put_the_tag_there"),
            models.UniqueConstraint(fields=["customer", "asset", "tag"], name="an_asset_has_a_tag_once"),
        ]
