"""Where a request ends: two servers that disagree on it let one request hide in another."""

import socket

import pytest

pytest.importorskip("starlette")

from lightmeter import Store
from weather import running

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def answers(port: int, request: bytes) -> bytes:
    """All that comes until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", ["/api/v1/dataset", "/forms/watch", "/" + "x" * 9000])
@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ],
)
def test_two_lengths_end_the_connection(store: Store, path: str, headers: bytes) -> None:
    """RFC 9112, 6.1; what comes behind is of nobody knows whom."""
    request = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n0\r\n\r\n%s"
    with running(store) as port:
        said = answers(port, request % (path.encode(), headers, HIDDEN))
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in said.lower()


def test_one_length_keeps_it(store: Store) -> None:
    with running(store) as port:
        end = HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        said = answers(port, HIDDEN + end)
    assert said.count(b"HTTP/1.1 200 ") == 2
