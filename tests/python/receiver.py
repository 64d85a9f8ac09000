"""An HTTP server on this machine, which notes what it is sent and answers as told."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers each request with the next of `answers`, the last of which is repeated.

    An answer is a status, a status with headers and body, or a function of the handler.
    """

    def __init__(self, answers: list[int | tuple[int, dict[str, str], bytes] | Callable]) -> None:
        self.requests: list[Request] = []
        self.answers = answers
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size)
                if len(body) < size:  # its sender was killed
                    self.close_connection = True
                    return
                receiver.requests.append(Request(self.path, dict(self.headers), body))
                at = min(len(receiver.requests), len(receiver.answers)) - 1
                answer = receiver.answers[at]
                if callable(answer):
                    with contextlib.suppress(OSError):
                        answer(self)
                    self.close_connection = True
                    return
                code, headers, body = (answer, {}, b"") if isinstance(answer, int) else answer
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_HEAD = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    @contextlib.contextmanager
    def running(self) -> Iterator["Receiver"]:
        with serving(self._server):
            yield self


@contextlib.contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """Give the address of a server that answers until the end."""
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Headers without an end, a byte at a time: no single wait is long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        handler.wfile.write(b"X")
        time.sleep(0.02)


def silence(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\xff\x16\x03 this is not HTTP\r\n\r\n" * 50)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def endless(status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(f"HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\n\r\n".encode())
        while True:
            handler.wfile.write(b"x" * 65536)

    return answer


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 500 X\r\nContent-Length: 1000\r\n\r\nhalf")


def echo(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(f"HTTP/1.1 500 {handler.path}\r\n{handler.headers}".encode())
