"""Sending a message as mail, with the lines that it is about as pictures."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import ClassVar, get_args

from lightmeter.alerts.channels.channel import CHANNELS
from lightmeter.alerts.channels.pictures import picture, words
from lightmeter.alerts.channels.posting import (
    NotAccepted,
    check_tries,
    check_variable,
    is_local,
    repeated,
    variable,
)
from lightmeter.alerts.channels.smtp import Server, Tls, hand_over
from lightmeter.alerts.message import Item, Message, Series
from lightmeter.draw.html import DOCTYPE, Html, joined, tag
from lightmeter.draw.png import WIDTH
from lightmeter.errors import DeliveryError
from lightmeter.monitor.keys import Seconds, Secret
from lightmeter.text import shorten, visible

__all__ = ["Email"]

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,255}")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,255}")
_PORTS: dict[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}
_MOST_TITLE = 200  # characters
_PRIORITIES = {"low": "5 (Lowest)", "normal": "3 (Normal)", "high": "1 (Highest)"}


@CHANNELS("email")
@dataclass(frozen=True, kw_only=True)
class Email:
    """Sends messages by SMTP, in plain text and in HTML.

    A certificate must be of the host's name and trusted. Those that this machine does not know are
    trusted by the variable ``SSL_CERT_FILE``.

    Attributes:
        host: the mail server.
        from_: the address of the sender.
        recipients: addresses.
        port: of the server; None takes 587 for ``starttls``, 465 for ``tls`` and 25 for ``none``.
        tls: ``starttls`` asks the server for encryption, and sends nothing without it; ``tls``
            encrypts from the beginning; ``none`` does not. None takes ``none`` to this machine and
            ``starttls`` to all others.
        user_env: the environment variable that holds the name to log in with; None does not log in.
        password_env: the environment variable that holds the password.
        timeout: seconds that a try may take.
        tries: how many tries at most. After a refusal (5xx) there is no other.
        pause: seconds before the second try, doubled before each further one.
    """

    draws: ClassVar[bool] = True

    host: str
    from_: str
    recipients: Sequence[str]
    port: int | None = None
    tls: Tls | None = None
    user_env: Secret | None = None
    password_env: Secret | None = None
    timeout: Seconds = 30.0
    tries: int = 3
    pause: Seconds = 1.0

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if not _HOST.fullmatch(self.host):
            raise ValueError(f"host is {self.host!r}; expected a name such as 'mail.example.com'")
        if self.port is not None and not 0 < self.port < 65_536:
            raise ValueError(f"port is {self.port}; expected 1 to 65535")
        if self.tls not in (None, *get_args(Tls)):
            raise ValueError(f"tls is {self.tls!r}; expected one of {get_args(Tls)}")
        if isinstance(self.recipients, str) or not self.recipients:
            raise ValueError("recipients is no list of addresses, such as ['me@example.com']")
        recipients = (("recipients", address) for address in self.recipients)
        for key, address in (("from", self.from_), *recipients):
            if not _is_address(address):
                raise ValueError(f"{key}: {address!r} is no address such as 'me@example.com'")
        if (self.user_env is None) != (self.password_env is None):
            raise ValueError("user_env and password_env: got one of them; expected both or neither")
        check_variable("user_env", self.user_env)
        check_variable("password_env", self.password_env)
        if self.tls == "none" and self.user_env is not None and not is_local(self.host):
            raise ValueError("tls is 'none', with which a password would be sent in the clear")
        check_tries(self.timeout, self.tries, self.pause)

    def send(self, message: Message) -> str | None:
        """Hand the message over to the server, for all recipients at once.

        Where the server refuses some recipients, the others get it. Those whom it refuses for now
        (4xx) are tried again, without the others. Returns whom it refused; None for nobody.

        Raises:
            DeliveryError: nobody's was accepted. The error does not tell the password.
        """
        default: Tls = "none" if is_local(self.host) else "starttls"
        tls = self.tls or default
        server = Server(self.host, self.port or _PORTS[tls], tls, self._login(), self.timeout)
        mail = _mail(message, self.from_, self.recipients)
        waiting, accepted = list(self.recipients), False
        refused: list[str] = []

        def once() -> None:
            nonlocal accepted
            answers = hand_over(mail, self.from_, waiting, server)
            accepted = True
            refused.extend(name for name, code in answers.items() if code >= 500)
            waiting[:] = [name for name, code in answers.items() if code < 500]
            if waiting:
                raise NotAccepted("refused some for now")

        name = f"mail server {self.host}"
        try:
            repeated(name, once, self.tries, self.pause)
        except DeliveryError:
            if not accepted:
                raise
            refused += waiting  # to send it again would send it to the others twice
        return f"{name}: refused {', '.join(refused)}" if refused else None

    def _login(self) -> tuple[str, str] | None:
        if self.user_env is None or self.password_env is None:
            return None
        login = variable(self.user_env), variable(self.password_env)
        for name, value in zip((self.user_env, self.password_env), login, strict=True):
            if not value.isascii() or not value.isprintable():
                raise DeliveryError(f"the environment variable {name} holds more than ASCII")
        return login


def _mail(message: Message, sender: str, recipients: Sequence[str]) -> EmailMessage:
    mail = EmailMessage(policy.SMTP)
    title = shorten(message.title, _MOST_TITLE)
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = title.replace("=?", "= ?")  # which would begin an encoded word
    mail["Date"] = datetime.now(UTC)
    # The same when it is sent again, so that whoever gets it twice can see that.
    mail["Message-ID"] = f"<{visible(message.ident)}@{_domain(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Importance"] = message.severity
    mail["X-Priority"] = _PRIORITIES[message.severity]
    mail.set_content(_lines(message.text()), cte="quoted-printable")
    pictures = {f"line{index}": each for index, each in enumerate(message.series)}
    domain = _domain(sender)
    html = _html(message, title, {f"{name}@{domain}": each for name, each in pictures.items()})
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    shown = mail.get_body(("html",))
    assert isinstance(shown, EmailMessage)
    for name, series in pictures.items():
        shown.add_related(
            picture(series),
            "image",
            "png",
            cid=f"<{name}@{domain}>",
            filename=f"{name}.png",
            disposition="inline",
        )
    return mail


def _is_address(text: str) -> bool:
    try:
        return bool(_ADDRESS.fullmatch(text) and text.isprintable() and _domain(text))
    except ValueError:
        return False


def _domain(address: str) -> str:
    """As ASCII, which headers for machines must be.

    Raises:
        ValueError: it cannot be a domain.
    """
    return address.rpartition("@")[2].encode("idna").decode()


def _lines(text: str) -> str:
    """With every character visible but the ends of lines."""
    return "\n".join(map(visible, text.split("\n"))) + "\n"


def _html(message: Message, title: str, pictures: dict[str, Series]) -> str:
    """Mail programs drop styles that are not at the element."""
    items = tag("ul", (tag("li", _item(item), style="margin:0 0 8px") for item in message.items))
    closing = [tag("p", line) for line in message.closing()]
    head = tag("head", tag("meta", charset="utf-8"), tag("title", title))
    body = tag(
        "body",
        tag("p", tag("b", title)),
        items,
        closing,
        _pictures(pictures),
        style="font-family:sans-serif;font-size:14px;line-height:1.4;color:#1f2328",
    )
    return joined(DOCTYPE, tag("html", head, body, lang="en"))


def _item(item: Item) -> Iterator[Html | str]:
    yield tag("bdi", item.text)
    if item.link:
        yield " "
        yield tag("a", "chart", href=item.link)


def _pictures(pictures: dict[str, Series]) -> Iterator[Html]:
    for cid, series in pictures.items():
        yield tag("p", tag("img", src=f"cid:{cid}", alt=words(series), width=WIDTH))
