"""A mail server on this machine, which notes what it is sent, and servers that say anything."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from weather import free_port

controller = pytest.importorskip("aiosmtpd.controller")
smtp = pytest.importorskip("aiosmtpd.smtp")


class Mailbox:
    """Mails in the order in which they came, and who logged in."""

    def __init__(self, answers: dict[str, str] | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.answers = answers or {}

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.raw.append(envelope.original_content)
        mail = message_from_bytes(envelope.original_content, policy=policy.SMTP)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        return self.answers.get("data", "250 OK")

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> Any:
        self.logins.append((data.login, data.password))
        return smtp.AuthResult(success=data.password == b"s3cret", handled=False)

    @contextlib.contextmanager
    def running(self, **options: Any) -> Iterator[int]:
        """The port."""
        server = controller.Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            server_hostname="mail",  # else it is looked up
            authenticator=self.authenticate,
            **options,
        )
        server.start()
        try:
            yield server.port
        finally:
            server.stop()


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@contextlib.contextmanager
def scripted(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that says whatever `talk` does to whoever connects; its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
