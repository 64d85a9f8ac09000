"""Which profiles a server takes: a few bytes of one can make others work for minutes."""

from lightmeter.profile import ProfileView
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.server import Limits

__all__ = ["check_profile"]

_MOST_NAME = 1000  # characters of the name of a feature, which pages show many times


def check_profile(view: ProfileView, limits: Limits) -> None:
    """Refuse a profile of which a report or a page would take too much.

    Raises:
        RequestError: 413.
    """
    if len(view) > limits.features:
        words = f"got a profile of {len(view)} features; expected {limits.features} at most"
        raise RequestError(413, words)
    longest = max(map(len, view), default=0)
    if longest > _MOST_NAME:
        words = f"got a feature with a name of {longest} characters; expected {_MOST_NAME} at most"
        raise RequestError(413, words)
