"""Every way in which reports change, one function each."""

from reports.services.deleting import delete
from reports.services.fetching import ContentGone, content, require_ready
from reports.services.queueing import Wish, queue
from reports.services.sweeps import sweep
from reports.services.writing import MAX_ATTEMPTS, write

__all__ = ["MAX_ATTEMPTS", "ContentGone", "Wish", "content", "delete", "queue", "require_ready", "sweep", "write"]
