"""Routes of assets, tags and patches, under `/pm`."""

from django.urls import path

from inventory.api import views

urlpatterns = [
    path("v1/assets", views.AssetsView.as_view(), name="assets"),
    path("v1/asset/<uuid:asset_id>", views.AssetView.as_view(), name="asset"),
    path("v1/asset/<uuid:asset_id>/tags/<uuid:tag_id>", views.AssetTagView.as_view(), name="asset-tag"),
    path("v1/tags", views.TagsView.as_view(), name="tags"),
    path("v1/tag/<uuid:tag_id>", views.TagView.as_view(), name="tag"),
    path("v1/patches", views.PatchesView.as_view(), name="patches"),
    path("v1/patches/count", views.PatchCountView.as_view(), name="patches-count"),
    path("v1/patch/<uuid:patch_id>", views.PatchView.as_view(), name="patch"),
    path("v1/patch/<uuid:patch_id>/assets", views.PatchAssetsView.as_view(), name="patch-assets"),
]
