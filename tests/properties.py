"""How many examples the property tests draw: a few each time, many more with `HYPOTHESIS_PROFILE=fuzz`."""

import os

from hypothesis import settings

_ORDINARY = 100
settings.register_profile("fuzz", max_examples=_ORDINARY * 10, deadline=None, print_blob=True)
if os.environ.get("HYPOTHESIS_PROFILE"):
    settings.load_profile(os.environ["HYPOTHESIS_PROFILE"])

# By which a test that says its own number multiplies it.
FACTOR = max(1, settings.default.max_examples // _ORDINARY)
