"""Users that a proxy has logged in, and the count of wrong keys per address."""

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
    """A proxy that logs users in and passes their names on. Threads may share it."""

    def __init__(
        self,
        networks: Sequence[str] = (),
        header: str = "X-Forwarded-User",
        rights: Sequence[Right] = ("read",),
    ) -> None:
        """Trust a header of requests that come from some networks.

        Parameters
        ----------
        networks
            The networks of the proxy, such as ``10.0.0.5/32``.
        header
            The header with the name of the user.
        rights
            The rights of all users who come through the proxy.

        Raises
        ------
        ValueError
            There is no network, one is invalid, or one contains every address.
        """
        self._networks = list(map(ipaddress.ip_network, networks))
        self._header, self._rights = header, frozenset(rights)
        if not networks or not all(each.prefixlen for each in self._networks):
            got = f"the networks {list(networks)}" if networks else "no network"
            text = "expected its address, such as 10.0.0.5/32 (option --proxy-from)"
            raise ValueError(f"got {got} of a proxy; {text}, because it can name any user")

    def user(self, request: Request) -> Key | None:
        """Return the user of a request as a key; None if it does not come from the proxy."""
        with suppress(TypeError, ValueError):  # not exactly one name, or no address
            peer = ipaddress.ip_address(request.scope["client"][0])
            peer = getattr(peer, "ipv4_mapped", None) or peer
            (name,) = request.headers.getlist(self._header)
            if any(peer in network for network in self._networks) and 0 < len(name) <= _MOST_USER:
                return Key(name, self._rights, ("*",), "", datetime.now(UTC))
        return None


class Failures:
    """The number of wrong keys that each address has sent in this minute."""

    def __init__(self, most: int) -> None:
        """Accept at most `most` wrong keys per address and minute."""
        self._most, self._end, self._counts = most, 0.0, Counter[str]()

    def wait(self, address: str) -> float:
        """Count a wrong key; return the seconds to wait, or 0 if there are not too many."""
        now = time.monotonic()
        if now >= self._end:
            self._end, self._counts = now + 60, Counter()
        self._counts[address] += 1
        return self._end - now if self._counts[address] > self._most else 0
