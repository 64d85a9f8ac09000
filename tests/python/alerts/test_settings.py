"""Alerts in a file of monitors, and what is said of mistakes in them."""

from pathlib import Path

import pytest
from lightmeter.alerts import Command, Webhook, load_alerts
from lightmeter.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "monitors.toml"


GOOD = '[[alert]]\nname = "first"\nto = "stdout"\n\n'
STDOUT = 'name = "a"\nto = "stdout"\n'
WEBHOOK = 'name = "a"\nto = "webhook"\n'
HOOK = f'{WEBHOOK}url = "https://example.com"\n'


@pytest.mark.parametrize(
    ("table", "line", "told"),
    [
        ('name = "a"', 5, r"alert 2 \('a'\): to is missing; expected one of 'apprise', 'command',"),
        ('to = "stdout"\nname = ""', 7, "name is empty"),
        ('name = "a"\nto = "pager"', 7, "to is 'pager'; expected one of"),
        (WEBHOOK, 5, "either url or url_env"),
        (f'{HOOK}url_env = "X"', 5, "either url or url_env"),
        (f'{WEBHOOK}url = "http://example.com"', 8, "neither https nor http to this machine"),
        (f'{HOOK}dashboard = "javascript:alert(1)"', 9, "expected one such as 'https"),
        ('name = "first"\nto = "stdout"', 6, "another alert has the same name"),
    ],
)
def test_a_mistake_is_named_with_its_line(file: Path, table: str, line: int, told: str) -> None:
    file.write_text(f"{GOOD}[[alert]]\n{table}\n")
    with pytest.raises(ConfigError, match=told) as raised:
        load_alerts(file)
    assert f"monitors.toml, line {line}: alert 2" in str(raised.value)


SECRET = "https://hooks.example.com/T0/SECRET"


@pytest.mark.parametrize(
    "table",
    [
        f'{WEBHOOK}url = ["{SECRET}"]',
        f'{WEBHOOK}url = "{SECRET} "',
        f'{WEBHOOK}url = {{address = "{SECRET}"}}',
        f'{WEBHOOK}url_env = "{SECRET}"',
        f'{WEBHOOK}url_env = ["{SECRET}"]',
        f'{HOOK}secret_env = "s3-SECRET"',
        f'{HOOK}secret_env = {{SECRET = "SECRET"}}',
        f'{STDOUT}dashboard = "{SECRET[5:]}"',
        f'{STDOUT}dashboard = ["{SECRET}"]',
        f'{STDOUT}url = "{SECRET}"',
    ],
)
def test_no_mistake_tells_an_address_or_secret(file: Path, table: str) -> None:
    file.write_text(f"[[alert]]\n{table}\n")
    with pytest.raises(ConfigError, match="alert 1") as raised:
        load_alerts(file)
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("alerts", [f'["{SECRET}"]', f'"{SECRET}"', f'{{url = "{SECRET}"}}'])
def test_what_is_no_table(file: Path, alerts: str) -> None:
    file.write_text(f"alert = {alerts}\n")
    with pytest.raises(ConfigError, match=r"line 1: .*expected tables \[\[alert\]\]") as raised:
        load_alerts(file)
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_waiting_for_ever_is_no_option(timeout: float) -> None:
    with pytest.raises(ValueError, match="seconds above 0"):
        Webhook(url="https://example.com", timeout=timeout)
    with pytest.raises(ValueError, match="seconds above 0"):
        Command(command=["x"], timeout=timeout)
