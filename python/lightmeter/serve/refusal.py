"""What a server answers where it does not do what was asked."""

from collections.abc import Mapping

from lightmeter.errors import LightmeterError

__all__ = ["RequestError", "busy"]


class RequestError(LightmeterError):
    """An answer other than what was asked for.

    Attributes:
        status: of HTTP.
        words: one sentence, which goes out: it holds no path and nothing of other datasets.
        headers: further ones.
    """

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep the status beside the words."""
        super().__init__(words)
        self.status, self.words, self.headers = status, words, dict(headers or {})


def busy(words: str, *, status: int = 503, after: float = 1) -> RequestError:
    """Too much is asked for now; it can be asked again after so many seconds."""
    return RequestError(status, words, {"Retry-After": str(max(1, round(after)))})
