"""What queries may ask of the inventory, one module per kind of row."""

from inventory.tokens.assets import ASSET_TOKENS, HAVING_PATCHES, not_superseded
from inventory.tokens.patches import PATCH_TOKENS
from inventory.tokens.vulnerabilities import VULNERABILITY_TOKENS

__all__ = ["ASSET_TOKENS", "HAVING_PATCHES", "PATCH_TOKENS", "VULNERABILITY_TOKENS", "not_superseded"]
