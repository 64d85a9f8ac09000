"""A conversation with a mail server that ends in time, and tells no password to anybody else."""

import base64
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from typing import IO, Literal, NamedTuple

from lightmeter.alerts.channels.posting import NotAccepted, censored
from lightmeter.alerts.channels.wire import Wire, bounded

__all__ = ["Server", "Tls", "hand_over"]

Tls = Literal["starttls", "tls", "none"]

_MOST_READ = 65_536  # bytes of all answers
_NAME = "[127.0.0.1]"  # how the client calls itself, which tells nothing of this machine


class Server(NamedTuple):
    """Where mail is handed over.

    Attributes:
        host: its name.
        port: of it.
        tls: ``starttls`` begins in the clear and is refused where the server cannot go on without;
            ``tls`` begins with it.
        login: user and password; None for none. They are sent within TLS, or to this machine.
        timeout: seconds that a conversation may take.
    """

    host: str
    port: int
    tls: Tls
    login: tuple[str, str] | None
    timeout: float


def hand_over(
    mail: EmailMessage, sender: str, recipients: Sequence[str], server: Server
) -> dict[str, int]:
    """Hand a mail over once; the recipients that the server refused, if it took any, with its code.

    Raises:
        NotAccepted: it did not. The error tells no password.
    """
    refused: dict[str, int] = {}

    def shown(words: object) -> str:
        return censored(words, _secrets(server.login))

    def talk(wire: Wire) -> None:
        with contextlib.closing(_connected(server, wire)) as client:
            if server.tls == "starttls":
                client.starttls(context=ssl.create_default_context())
            if server.login is not None:
                client.login(*server.login)
            answers = client.send_message(mail, sender, list(recipients))
            refused.update((name, code) for name, (code, _) in answers.items())
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.putcmd("quit")  # the mail is handed over, whatever is said now

    try:
        bounded(talk, server.timeout)
    except TimeoutError:
        raise NotAccepted(f"not done in {server.timeout:g} s") from None
    except smtplib.SMTPAuthenticationError as error:  # its words may quote the password
        again = error.smtp_code < 500
        raise NotAccepted(f"refused the password ({error.smtp_code})", again=again) from None
    except smtplib.SMTPResponseException as error:
        words = shown(error.smtp_error)
        raise NotAccepted(
            f"answered {error.smtp_code}: {words}", again=error.smtp_code < 500
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        again = any(code < 500 for code, _ in error.recipients.values())
        raise NotAccepted(f"refused all recipients: {code} {shown(answer)}", again=again) from None
    except smtplib.SMTPNotSupportedError as error:
        raise NotAccepted(f"cannot be used: {shown(error)}", again=False) from None
    except ssl.SSLCertVerificationError as error:
        words = shown(error.verify_message)
        raise NotAccepted(f"has a certificate that is not trusted: {words}", again=False) from None
    except (smtplib.SMTPException, OSError, UnicodeError) as error:  # of a name that is none
        raise NotAccepted(f"cannot be reached: {shown(error)}") from None
    return refused


def _connected(server: Server, wire: Wire) -> smtplib.SMTP:
    client = _Encrypted(server, wire) if server.tls == "tls" else _Client(server, wire)
    code, words = client.connect(server.host, server.port)
    if code != 220:
        client.close()
        raise smtplib.SMTPConnectError(code, words)
    return client


class _Answers:
    """What a server says, which must end some time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, _MOST_READ

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise smtplib.SMTPServerDisconnected("its answers have no end")
        return line

    def close(self) -> None:
        self._file.close()


class _Client(smtplib.SMTP):
    """Connects on a wire, which another thread can cut."""

    def __init__(self, server: Server, wire: Wire) -> None:
        self._wire = wire
        super().__init__(local_hostname=_NAME, timeout=server.timeout)
        self._host = server.host  # which its certificate must name

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._wire.connect((host, port), timeout)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        return super().getreply()


class _Encrypted(_Client):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _secrets(login: tuple[str, str] | None) -> set[str]:
    """What a server may quote: the password, and how ``AUTH`` sends it."""
    if login is None:
        return set()
    user, password = login
    sent = [password, f"\0{user}\0{password}"]
    return {password, *(base64.b64encode(each.encode()).decode() for each in sent)}
