"""Mail as a server on this machine gets it."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from alerting import HOSTILE, MESSAGE, has_no_deliveries_left
from incidents import days
from lightmeter import Store
from lightmeter.alerts import Alert, Email, load_alerts, tell
from lightmeter.errors import DeliveryError
from lightmeter.monitor.results import save_results
from lightmeter.text import shorten
from mail_server import Mailbox, scripted, server_context

ME = "me@example.com"


def email(port: int, host: str = "127.0.0.1", **more: Any) -> Email:
    sent = {"from_": "drift@example.com", "recipients": [ME], "pause": 0.01} | more
    return Email(host=host, port=port, **sent)


def test_a_mail_has_words_and_a_link(store: Store) -> None:
    box, results = Mailbox(), days("oooooA")
    save_results(store, results)
    with box.running() as port:
        channel = email(port, recipients=[ME, "you@example.com"])
        alert = Alert(name="mail", channel=channel, dashboard="https://d.example.com/?a&b")
        (delivery,) = tell(store, results, [alert])
    assert delivery.error is None
    (mail,) = box.mails
    assert box.recipients == [[ME, "you@example.com"]]
    assert mail["Subject"] == "cells: 1 anomaly on 2022-09-06"
    assert mail["From"] == "drift@example.com"
    assert mail["To"] == "me@example.com, you@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high"  # .62, of at most .25
    assert mail["Message-ID"] == f"<{delivery.message.ident}@example.com>"
    plain, html = mail.get_body(["plain"]), mail.get_body(["html"])
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == f"{delivery.message.text()}\n"
    assert 'href="https://d.example.com/?a&amp;b/cells-' in html.get_content()
    assert max(map(len, box.raw[0].split(b"\r\n"))) < 999
    assert box.raw[0].isascii()


def test_what_was_not_accepted_is_sent_again_with_the_same_identifier(store: Store) -> None:
    box = Mailbox({"data": "451 later"})
    with box.running() as port:
        with pytest.raises(DeliveryError, match=r"mail server 127\.0\.0\.1: answered 451: later"):
            email(port).send(MESSAGE)
        assert len(box.mails) == 3
        box.answers["data"] = "554 no\x1b[1m"
        with pytest.raises(DeliveryError, match=r"answered 554: no\\u001b\[1m"):
            email(port).send(MESSAGE)
        assert len(box.mails) == 4  # it will never take it
        box.answers.clear()
        email(port).send(MESSAGE)
    assert len({mail["Message-ID"] for mail in box.mails}) == 1


# --- secrets ----------------------------------------------------------------------------------


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("MAIL_USER", "me")
    monkeypatch.setenv("MAIL_PASSWORD", "s3cret")
    return {"user_env": "MAIL_USER", "password_env": "MAIL_PASSWORD"}


def test_a_server_that_quotes_the_password(password: dict[str, str]) -> None:
    def talk(connection: socket.socket) -> None:
        lines, quoted = connection.makefile("rb"), b""
        connection.sendall(b"220 mail\r\n")
        for line in lines:
            if line.startswith(b"ehlo"):
                connection.sendall(b"250-mail\r\n250 AUTH PLAIN\r\n")
            elif line.startswith(b"AUTH"):
                quoted = line.strip()
                connection.sendall(b"235 OK\r\n")
            else:
                connection.sendall(b"550 got %s and s3cret, s3Cret\r\n" % quoted)

    with scripted(talk) as port, pytest.raises(DeliveryError) as raised:
        email(port, **password).send(MESSAGE)
    assert str(raised.value).endswith("answered 550: got AUTH PLAIN ... and ... ...")


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_password_is_sent_within_tls(
    tls: str,
    certificate: Path,
    password: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box, context = Mailbox(), server_context(certificate)
    options = {"tls_context": context, "require_starttls": True, "auth_required": True}
    if tls == "tls":
        options = {"ssl_context": context, "auth_require_tls": False}
    with box.running(**options) as port:
        with pytest.raises(DeliveryError, match="certificate that is not trusted: self"):
            email(port, tls=tls, **password).send(MESSAGE)
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        email(port, tls=tls, **password).send(MESSAGE)
        email(port, host="localhost", tls=tls, **password).send(MESSAGE)
        monkeypatch.setenv("MAIL_PASSWORD", "wr0ng")
        with pytest.raises(DeliveryError, match=r"refused the password \(535\)$"):
            email(port, tls=tls, **password).send(MESSAGE)
    assert len(box.mails) == 2
    assert set(box.logins) == {(b"me", b"s3cret"), (b"me", b"wr0ng")}


STRIPPED = b"250-mail\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 8BITMIME\r\n"
REFUSED = b"250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"


@pytest.mark.parametrize(
    ("features", "told"),
    [(STRIPPED, "cannot be used: STARTTLS"), (REFUSED, "answered 502: no")],
)
def test_without_tls_nothing_is_sent(features: bytes, told: str, password: dict[str, str]) -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        while line := connection.recv(4096):
            heard.append(line)
            connection.sendall(features if line.startswith(b"ehlo") else b"502 no\r\n")

    with scripted(talk) as port, pytest.raises(DeliveryError, match=told):
        email(port, tls="starttls", **password).send(MESSAGE)
    assert {line[:8].strip().lower() for line in heard} <= {b"ehlo [12", b"starttls"}


def test_answers_from_before_tls_do_not_count(
    certificate: Path, password: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody between may add answers in the clear, which the server seems to give later."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        connection.recv(4096)
        connection.sendall(b"250 STARTTLS\r\n")
        connection.recv(4096)
        connection.sendall(b"220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n")
        with server_context(certificate).wrap_socket(connection, server_side=True) as safe:
            heard.append(safe.recv(4096))
            safe.sendall(b"250 mail\r\n")
            heard.append(safe.recv(4096))

    with scripted(talk) as port, pytest.raises(DeliveryError, match="mail server"):
        email(port, tls="starttls", tries=1, **password).send(MESSAGE)
    assert b"czNjcmV0" not in b"".join(heard)
    assert b"AUTH" not in b"".join(heard)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"tls": "none", "host": "mail.example.com"}, "tls is 'none', with which a password"),
        ({"tls": "ssl"}, "tls is 'ssl'; expected one of .'starttls'"),
        ({"from_": "me"}, "from: 'me' is no address"),
        ({"from_": "me@example.com\r\nBcc: you@example.com"}, "from: .* is no address"),
        ({"from_": "me@exa\u202emple.com"}, "from: .* is no address"),
        ({"recipients": ["a@b, c@d"]}, "recipients: .* is no address"),
        ({"password_env": None}, "got one of them"),
        ({"password_env": "s3cret!"}, "password_env is not the name"),
    ],
)
def test_settings_that_are_refused(more: dict[str, Any], told: str) -> None:
    known = {"user_env": "MAIL_USER", "password_env": "MAIL_PASSWORD"}
    with pytest.raises(ValueError, match=told):
        email(**({"port": 25} | known | more))


def test_encryption_is_the_default_but_to_this_machine(tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[alert]]\nname = "mail"\nto = "email"\nhost = "127.0.0.1"\nfrom = "a@example.com"\n'
        'recipients = ["b@example.com"]\n'
    )
    (alert,) = load_alerts(config)
    assert isinstance(alert.channel, Email)
    assert alert.channel.from_ == "a@example.com"

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        connection.recv(4096)
        connection.sendall(STRIPPED)
        connection.recv(4096)

    with scripted(talk) as port, pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", lambda *_: connect(port))
        with pytest.raises(DeliveryError, match="STARTTLS"):
            email(25, host="mail.example.com").send(MESSAGE)


def connect(port: int) -> socket.socket:
    made = socket.socket()
    made.connect(("127.0.0.1", port))
    return made


# --- hostile servers --------------------------------------------------------------------------


def drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-x\r\n")
        time.sleep(0.01)


def flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-" + b"x" * 500 + b"\r\n")


def garbage(connection: socket.socket) -> None:
    connection.sendall(b"\x00\xff\r\n\x16\x03")


def unwilling(connection: socket.socket) -> None:
    connection.sendall(b"421 not today\r\n")


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (drip, r"not done in 0\.5 s"),
        (flood, "its answers have no end"),
        (garbage, "answered -1|cannot be reached"),
        (unwilling, "answered 421: not today"),
    ],
)
def test_servers_that_are_none(talk: Any, told: str) -> None:
    with scripted(talk) as port, pytest.raises(DeliveryError, match=told):
        email(port, timeout=0.5, tries=1).send(MESSAGE)
    assert has_no_deliveries_left()


# --- hostile words ----------------------------------------------------------------------------

INJECTIONS = [
    "x\r\nBcc: you@example.com",
    "x\nBcc: you@example.com\n\nbody",
    "x\r\n.\r\nMAIL FROM:<a@example.com>",
    "\u2028Bcc: you@example.com\x85X: y",
    "=?utf-8?q?=0D=0ABcc:_you@example.com?=",
    "=?utf-8?b?" + "A" * 300,
    "\U0001f600" * 300,
    "a" * 2000,
    "\u00e9 " * 500,
    "--=====",
    ".",
]


def check_headers(mail: Any) -> None:
    assert [name for name, _ in mail.items()] == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Importance",
        "X-Priority",
        "MIME-Version",
        "Content-Type",
    ]
    assert mail["To"] == ME
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def check_subject(mail: Any, title: str) -> None:
    """Python's package loses spaces between words that it encodes."""
    assert "".join(mail["Subject"].split()) == "".join(shorten(title, 200).split())


@pytest.mark.parametrize("words", [*HOSTILE, *INJECTIONS])
def test_no_name_adds_a_header_or_a_recipient(store: Store, words: str) -> None:
    box = Mailbox()
    with box.running() as port:
        named = words.replace("\ud800 ", "")  # the store is UTF-8
        alert = Alert(name=named, channel=email(port))
        results = days("oA", dataset=named, monitor=named, feature=named, words=words)
        (delivery,) = tell(store, results, [alert])
    assert delivery.error is None
    (mail,) = box.mails
    assert box.recipients == [[ME]]
    check_headers(mail)
    check_subject(mail, delivery.message.title)
    plain = mail.get_body(["plain"])
    assert plain.get_content().replace("\r\n", "\n") == f"{delivery.message.text()}\n"


def test_a_password_that_smtp_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_USER", "me")
    monkeypatch.setenv("MAIL_PASSWORD", "gehe\u00efm")
    channel = email(25, user_env="MAIL_USER", password_env="MAIL_PASSWORD")
    with pytest.raises(DeliveryError, match="MAIL_PASSWORD holds more than ASCII") as raised:
        channel.send(MESSAGE)
    assert "gehe" not in str(raised.value)


@pytest.mark.parametrize("host", ["a" * 70 + ".example", ".."])
def test_names_of_no_server(host: str) -> None:
    with pytest.raises(DeliveryError, match="cannot be reached: "):
        email(25, host=host, tries=1, timeout=5.0).send(MESSAGE)
