"""Routes of assets, tags and patches, under `/pm`."""

from django.urls import path

from inventory.api.views import assets, catalogue, patches, tags, urls, vulnerabilities

urlpatterns = [
    path("v1/assets", assets.AssetsView.as_view(), name="assets"),
    path("v1/assets/count", assets.AssetCountView.as_view(), name="assets-count"),
    path("v1/assets/uuids", assets.AssetNumbersView.as_view(), name="assets-uuids"),
    path("v1/asset/<uuid:asset_id>", assets.AssetView.as_view(), name="asset"),
    path("v1/asset/<uuid:asset_id>/tags/<uuid:tag_id>", tags.AssetTagView.as_view(), name="asset-tag"),
    path("v1/tags", tags.TagsView.as_view(), name="tags"),
    path("v1/tag/<uuid:tag_id>", tags.TagView.as_view(), name="tag"),
    path("v1/tag/<uuid:tag_id>/assets", tags.TagAssetsView.as_view(), name="tag-assets"),
    path("v1/custompatchurls", urls.CustomPatchUrlsView.as_view(), name="custom-patch-urls"),
    path("v1/custompatchurl/<int:custom_patch_url_id>", urls.CustomPatchUrlView.as_view(), name="custom-patch-url"),
    path("v1/patches", patches.PatchesView.as_view(), name="patches"),
    path("v1/patches/count", patches.PatchCountView.as_view(), name="patches-count"),
    path("v1/patch/<uuid:patch_id>", patches.PatchView.as_view(), name="patch"),
    path("v1/patch/<uuid:patch_id>/assets", patches.PatchAssetsView.as_view(), name="patch-assets"),
    path("v2/patches", patches.FoundPatchesView.as_view(), name="found-patches"),
    path("v1/patchcatalog/patches", catalogue.CatalogueView.as_view(), name="catalogue"),
    path("v1/patchcatalog/patch/packages", catalogue.PackagesView.as_view(), name="patch-packages"),
    path("v1/patchcatalog/patch/<uuid:patch_id>/products", catalogue.ProductsView.as_view(), name="patch-products"),
    path("v1/patchcatalog/import", catalogue.ImportView.as_view(), name="catalogue-import"),
    path(
        "v1/patchcatalog/patch/products/vulnerability/count",
        vulnerabilities.ProductsVulnerabilitiesView.as_view(),
        name="products-vulnerabilities",
    ),
    path("v1/vulnerabilities", vulnerabilities.VulnerabilitiesView.as_view(), name="vulnerabilities"),
    path("v1/remediation/insights", vulnerabilities.InsightsView.as_view(), name="insights"),
]
