"""`python -m demo`: the service, its machines, a job over REST; exit code 0 only if all was as it should be."""

import argparse
import shutil
import sys

from demo.repositories import ToolsMissing
from demo.screen import Screen
from demo.story import Failed, tell
from embedded.errors import EmbeddedError
from embedded.files import data_folder


def main() -> int:
    """Run the demo in a fresh folder below the data folder."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", type=int, help="of the web on 127.0.0.1; otherwise a free one")
    options = parser.parse_args()
    folder = data_folder() / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    screen = Screen()
    try:
        tell(folder=folder, screen=screen, port=options.port)
    except (Failed, ToolsMissing, EmbeddedError) as wrong:
        print(f"\n✗ {wrong}\n  Logs are in {folder}.", file=sys.stderr)
        return 1
    screen.say("\n✓ Everything was as it should be. `make run` keeps a service running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
