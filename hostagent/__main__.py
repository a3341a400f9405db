"""`python -m hostagent enrol|run|launch|status|doctor|install-service|remove`."""

import argparse
import logging
import signal
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Event, Thread

from hostagent import VERSION, administration, families, state
from hostagent.agent import Agent
from hostagent.clock import Clock, HurriedClock
from hostagent.errors import AgentError, Unauthorised
from hostagent.host import Host
from hostagent.launcher import Launcher, Rules
from hostagent.lock import only_instance
from hostagent.person.scripted import Scripted
from hostagent.rebooters import Machine, Rebooter, Rehearsed
from hostagent.versions import RESTART

log = logging.getLogger("hostagent")


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0; 1 for a failure that the text on stderr explains; 2 for a wrong call."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.act(options))
    except (AgentError, Unauthorised) as error:
        print(f"hostagent: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hostagent", description=__doc__)
    parser.add_argument("--version", action="version", version=VERSION)
    verbs = parser.add_subparsers(dest="command", required=True)
    administration.add_verbs(verbs)
    running = verbs.add_parser("run", help="ask for work, and do it")
    running.add_argument("--once", action="store_true", help="do what there is to do now, and end")
    running.add_argument(
        "--rehearse-restarts",
        type=float,
        metavar="SECONDS",
        help="a host with a root of its own restarts by itself and is away for so long; without this it never restarts",
    )
    running.add_argument("--person", type=Path, help="a folder that plays the person at the machine; only with a root")
    running.add_argument("--minute", type=float, help="seconds that a job's minute lasts; only with a root")
    running.add_argument("--root", type=Path, help="a folder with a package root of its own, instead of this machine")
    running.add_argument("--launched", action="store_true", help=argparse.SUPPRESS)
    running.set_defaults(act=_run)
    launching = verbs.add_parser("launch", help="run the agent, start it again when it ends, and let it update itself")
    launching.add_argument("--trial-minutes", type=float, default=Rules.minutes, help="for a new version to check in")
    launching.add_argument("--trial-starts", type=int, default=Rules.starts, help="and so many starts")
    launching.add_argument(
        "--trial-hurry", type=float, default=Rules.hurry, help="seconds for it to end, if it did not"
    )
    launching.set_defaults(act=_launch)
    for verb in (running, launching):
        administration.add_places(verb)
        administration.add_log_options(verb)
    return parser


def _run(options: argparse.Namespace) -> int:
    enrolled = state.load(options.home)
    root = options.root or (Path(enrolled.root) if enrolled.root else None)
    if root is None and (options.person or options.minute is not None):
        raise AgentError("--person and --minute are for a folder that plays a machine (--root), not for a real one")
    _start_logging(options.home, size=options.log_bytes, files=options.log_files)
    stop = _stop_on_signals()
    if sys.platform != "win32":
        families.adopt_orphans()
    with only_instance(options.home):
        host = Host(root)
        clock = Clock() if options.minute is None else HurriedClock(options.minute)
        agent = Agent(
            options.home,
            host,
            stop=stop,
            clock=clock,
            prompter=Scripted(options.person) if options.person else None,
            rebooter=_rebooter(host, options.rehearse_restarts),
            may_update=options.launched,
        )
        try:
            log.info("agent %s started", enrolled.agent_id)
            agent.once() if options.once else agent.run()
        except Exception:
            log.exception("the agent ends by a fault of its own")
            raise
        finally:
            agent.close()
    log.info("agent stopped")
    return RESTART if agent.is_replaced else 0


def _launch(options: argparse.Namespace) -> int:
    """As the machine's service; what it says goes to the journal of whoever started it."""
    home = options.home.resolve()
    enrolled = state.load(home)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s launcher: %(message)s")
    arguments = ["--log-bytes", str(options.log_bytes), "--log-files", str(options.log_files)]
    rules = Rules(minutes=options.trial_minutes, starts=options.trial_starts, hurry=options.trial_hurry)
    log.info("launching agent %s", enrolled.agent_id)
    # Two of them would start two agents, of which one would end at once, again and again.
    place = home / "launcher"
    place.mkdir(mode=0o700, exist_ok=True)
    with only_instance(place):
        Launcher(home, arguments, stop=_stop_on_signals(), rules=rules).run()
    return 0


def _rebooter(host: Host, rehearsed: float | None) -> Rebooter | None:
    """A folder that plays a machine must never restart the real one."""
    if host.is_rooted:
        return None if rehearsed is None else Rehearsed(host, seconds=rehearsed)
    if rehearsed is not None:
        raise AgentError("--rehearse-restarts is for a host with a root of its own")
    return Machine()


def _stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread of its own: the handler may interrupt `stop.wait()` while that holds the event's own lock.
        signal.signal(number, lambda *_: Thread(target=stop.set).start())
    return stop


def _start_logging(home: Path, *, size: int, files: int) -> None:
    handlers: list[logging.Handler] = [
        RotatingFileHandler(home / "agent.log", maxBytes=size, backupCount=files, encoding="utf-8"),
        logging.StreamHandler(),
    ]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", handlers=handlers)


if __name__ == "__main__":
    sys.exit(main())
