"""Who counts as whom: people whom a proxy names, and addresses that send wrong keys."""

import ipaddress
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request

from lightmeter.store.keys import Key, Right

_MOST_USER = 100  # characters


class Proxy:
    """A proxy that has people log in, and says who asks."""

    def __init__(
        self,
        networks: Sequence[str] = (),
        header: str = "X-Forwarded-User",
        rights: Sequence[Right] = ("read",),
    ) -> None:
        """Believe a header of connections from some networks.

        Parameters
        ----------
        networks
            Where it asks from, such as ``10.0.0.5/32``.
        header
            In which it says who asks.
        rights
            Of everybody who comes through it.

        Raises
        ------
        ValueError
            There is no network, one is none, or it is every address.
        """
        self._networks = list(map(ipaddress.ip_network, networks))
        self._header, self._rights = header, frozenset(rights)
        if not networks or not all(each.prefixlen for each in self._networks):
            text = "expected where it asks from, such as 10.0.0.5/32: whoever is in it may say who"
            raise ValueError(f"got the networks {list(networks)} of a proxy; {text} he is")

    def user(self, request: Request) -> Key | None:
        """Whoever has logged in there; None where the peer of the connection is another."""
        with suppress(TypeError, ValueError):  # not one name, or no address
            peer = ipaddress.ip_address(request.scope["client"][0])
            peer = getattr(peer, "ipv4_mapped", None) or peer
            (name,) = request.headers.getlist(self._header)
            if any(peer in network for network in self._networks) and 0 < len(name) <= _MOST_USER:
                return Key(name, self._rights, ("*",), "", datetime.now(UTC))
        return None


class Failures:
    """How many wrong keys each address has sent in this minute."""

    def __init__(self, most: int) -> None:
        """So many are answered a minute."""
        self._most, self._end, self._counts = most, 0.0, Counter[str]()

    def wait(self, address: str) -> float:
        """Count one more; 0, or the seconds for which no more are answered."""
        now = time.monotonic()
        if now >= self._end:
            self._end, self._counts = now + 60, Counter()
        self._counts[address] += 1
        return self._end - now if self._counts[address] > self._most else 0
