"""All kinds of actions by their names."""

from collections.abc import Mapping
from types import ModuleType

from actions import install_software, registry_key, run_script, system_reboot, uninstall_software

# Each has KIND; PARAMS, those it takes by their Python names, perhaps with DEFAULTS; PLATFORM and STAGE where it is for
# one alone; `check` what it needs, `answer` its keys beside the common ones, `tell` its part of the manifest.
KINDS: Mapping[str, ModuleType] = {
    module.KIND: module for module in (run_script, install_software, registry_key, uninstall_software, system_reboot)
}
