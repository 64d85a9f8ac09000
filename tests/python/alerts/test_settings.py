"""Alerts in a file of monitors, and what is said of mistakes in them."""

from pathlib import Path

import pytest
from lightmeter.alerts import load_config
from lightmeter.errors import ConfigError

GOOD = '[[alert]]\nname = "first"\nto = "stdout"\n\n'
STDOUT = 'name = "a"\nto = "stdout"\n'
PAGER = 'name = "a"\nto = "pagerduty"\nkey_env = "K"\n'
WEBHOOK = 'name = "a"\nto = "webhook"\n'
HOOK = f'{WEBHOOK}url_env = "HOOK"\n'


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('name = "a"', r"alert\[2\]\.to is missing; expected one of apprise, webhook, pagerduty,"),
        ('to = "stdout"\nname = ""', r"alert\[2\]\.name: got an empty name"),
        ('name = "a"\nto = "pager"', r"alert\[2\]\.to is 'pager'; did you mean pagerduty\?"),
        (WEBHOOK, r"alert\[2\]\.url_env is missing"),
        (f'{PAGER}url = "http://example.com"', r"alert\[2\]\.url: .*http to this machine"),
        (f'{STDOUT}timeout = "3s"', r"alert\[2\]\.timeout: unknown key"),
        ('name = "a"\nto = "command"\ncommand = []', r"alert\[2\]\.command is \[\]; .* at least 1"),
        ('name = "a"\nto = "command"\ncommand = "x y"', r"alert\[2\]\.command is 'x y'; .*list"),
    ],
)
def test_a_mistake_is_named_with_its_path(tmp_path: Path, table: str, told: str) -> None:
    file = tmp_path / "monitors.toml"
    file.write_text(f"{GOOD}[[alert]]\n{table}\n")
    with pytest.raises(ConfigError, match=told) as raised:
        load_config(file)
    assert str(raised.value).startswith(str(file))


SECRET = "https://hooks.example.com/T0/SECRET"


@pytest.mark.parametrize(
    "table",
    [
        f'{WEBHOOK}url = "{SECRET}"',
        f'{WEBHOOK}url_env = "{SECRET}"',
        f'{WEBHOOK}url_env = ["{SECRET}"]',
        f'{HOOK}secret_env = "s3-SECRET"',
        f'{HOOK}secret_env = {{SECRET = "SECRET"}}',
        f'{STDOUT}url = "{SECRET}"',
    ],
)
def test_no_mistake_tells_an_address_or_secret(tmp_path: Path, table: str) -> None:
    (tmp_path / "monitors.toml").write_text(f"[[alert]]\n{table}\n")
    with pytest.raises(ConfigError, match="alert") as raised:
        load_config(tmp_path / "monitors.toml")
    assert "SECRET" not in str(raised.value)
