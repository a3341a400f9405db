"""Words of a few that the inventory is told in."""

from django.db import models


class Platform(models.TextChoices):
    """What kind of machine, and which kind of patch fits it."""

    WINDOWS = "Windows"
    LINUX = "Linux"


class Severity(models.TextChoices):
    """A vendor's own rating of a patch."""

    CRITICAL = "Critical"
    IMPORTANT = "Important"
    MODERATE = "Moderate"
    LOW = "Low"
    NONE = "None"


class PatchStatus(models.TextChoices):
    """How a patch stands on an asset, by the asset's last scan."""

    MISSING = "Missing"
    INSTALLED = "Installed"


class DownloadMethod(models.TextChoices):
    """How a patch comes to a machine."""

    AUTOMATIC = "Automatic"
    # Somebody has to fetch it from the vendor, who wants a login or a purchase.
    ACQUIRE_FROM_VENDOR = "AcquireFromVendor"


class Installer(models.TextChoices):
    """What kind of file installs a patch that no package manager fetches."""

    MSI = "msi"
    EXE = "exe"
    MSU = "msu"


class VulnerabilityType(models.TextChoices):
    """How sure a scanner is of a vulnerability."""

    CONFIRMED = "Confirmed"
    POTENTIAL = "Potential"
    INFORMATION = "Information"


# What a patch's type is where nobody says it.
PATCH_TYPES = {Platform.LINUX: "Package", Platform.WINDOWS: "Update"}
