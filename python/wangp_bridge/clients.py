"""Who the host calls for: a client is one of its environments, and its number is never used again.

A client's end is told beside the calls that it still has under way, and may overtake them. So the end is remembered:
what comes for the client afterwards is refused, and what is kept for it is only ever kept while :func:`lock` is held.
"""

from __future__ import annotations

import threading

from .errors import BridgeError

#: Held where something is kept for a client, and while its end is recorded.
lock = threading.Lock()
_gone: set[int] = set()


def end(client: int) -> None:
    """Records that the client has gone. What it has is let go of afterwards."""
    with lock:
        _gone.add(client)


def check(client: int) -> None:
    """Raises BridgeError where the client has gone. Whoever then keeps something holds :data:`lock`."""
    if client in _gone:
        raise BridgeError("ERR_WANGP_CLOSED", "the environment that asked for this has ended")
