"""What Redis remembers of agents: that there is nothing to do for them. Only a hint, gone when Redis is.

A hint is named by the digest of the credential, so that its presence also says that the credential was good when it was
written, and holds the token that the agent was given then: a copy of the agent that has another one is not answered by
it. It is dropped when work is made for the asset, and ends by itself in any case.
"""

from functools import cache

import redis
from django.conf import settings
from redis.exceptions import RedisError

_TIMEOUT_SECONDS = 0.5


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )


def is_idle(*, digest: str, token: str = "") -> float | None:
    """For how many more seconds this agent has nothing to do; None where only the database knows.

    `token` is what the agent sent; the database alone knows what to think of another one than it was given last.
    """
    try:
        with _client().pipeline(transaction=False) as pipeline:
            pipeline.get(_of_agent(digest))
            pipeline.pttl(_of_agent(digest))
            given, left = pipeline.execute()
    except RedisError:
        return None
    return left / 1000 if given == token.encode() and isinstance(left, int) and left > 0 else None


def remember_idle(*, digest: str, asset_id: int, seconds: float, token: str = "") -> None:
    """Say that this agent, whose last answer carries `token`, has nothing to do for so long."""
    lifetime = max(int(seconds * 1000), 1)
    try:
        with _client().pipeline(transaction=False) as pipeline:
            pipeline.set(_of_agent(digest), token.encode(), px=lifetime)
            pipeline.set(_of_asset(asset_id), digest, px=lifetime)
            pipeline.execute()
    except RedisError:
        return


def forget(*, asset_ids: list[int]) -> None:
    """There may be work for these assets: the database is to be asked again."""
    try:
        digests = _client().mget([_of_asset(asset_id) for asset_id in asset_ids])
        names = [_of_agent(digest.decode()) for digest in digests if isinstance(digest, bytes)]
        if names:
            _client().delete(*names)
    except RedisError:
        return


def forget_all() -> None:
    """Every hint is gone, as after a flush: the next check-ins ask the database."""
    client = _client()
    names = list(client.scan_iter(match="idle*", count=1_000))
    if names:
        client.delete(*names)


def _of_agent(digest: str) -> str:
    return f"idle:{digest}"


def _of_asset(asset_id: int) -> str:
    return f"idle-asset:{asset_id}"
