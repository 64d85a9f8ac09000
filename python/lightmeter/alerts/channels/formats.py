"""A message as the JSON that Slack and Teams take.

Foreign text goes only where neither looks for markup: Slack's ``rich_text`` and Teams'
``RichTextBlock``. Slack's plain fallback line does know three characters, which are escaped.
"""

import json
from collections.abc import Callable
from typing import Any, Literal

from lightmeter.alerts.message import Message

__all__ = ["FORMATS", "MOST_BYTES", "Format", "encode"]

Format = Literal["json", "slack", "teams"]

# Teams takes 28 KB, the least of those known.
MOST_BYTES = 24_000

_SIGNS = {"anomaly": "●", "error": "▲", "resolved": "○", "withdrawn": "◌", "test": "◇"}


def encode(message: Message, format_: Format) -> bytes:
    """The body to post, with as many items as fit into `MOST_BYTES`."""
    while True:
        body = FORMATS[format_](message).encode("utf-8")
        if len(body) <= MOST_BYTES or not message.items:
            return body
        message = message.shortened()


def _slack(message: Message) -> str:
    def section(*elements: dict[str, Any]) -> dict[str, Any]:
        return {"type": "rich_text_section", "elements": list(elements)}

    def text(words: str, **style: bool) -> dict[str, Any]:
        return {"type": "text", "text": words} | ({"style": style} if style else {})

    sections = [section(text(message.title, bold=True))]
    entries = []
    for item in message.items:
        elements = [text(f"{_SIGNS[item.what]} {item.text}")]
        if item.link:
            elements += [text(" "), {"type": "link", "url": item.link, "text": "chart"}]
        entries.append(section(*elements))
    blocks = [*sections, {"type": "rich_text_list", "style": "bullet", "elements": entries}]
    blocks += [section(text(line)) for line in message.closing()]
    fallback = message.title
    for char, code in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        fallback = fallback.replace(char, code)
    return json.dumps(
        {
            "text": fallback,
            "mrkdwn": False,
            "unfurl_links": False,
            "unfurl_media": False,
            "blocks": [{"type": "rich_text", "elements": blocks}],
        }
    )


def _teams(message: Message) -> str:
    def block(*runs: dict[str, Any]) -> dict[str, Any]:
        return {"type": "RichTextBlock", "inlines": list(runs)}

    def run(words: str, **more: Any) -> dict[str, Any]:
        return {"type": "TextRun", "text": words, **more}

    body = [block(run(message.title, weight="Bolder"))]
    for item in message.items:
        runs = [run(f"{_SIGNS[item.what]} {item.text}")]
        if item.link:
            action = {"type": "Action.OpenUrl", "url": item.link}
            runs += [run(" "), run("chart", selectAction=action)]
        body.append(block(*runs))
    body += [block(run(line)) for line in message.closing()]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return json.dumps({"type": "message", "attachments": [attachment]})


FORMATS: dict[Format, Callable[[Message], str]] = {
    "json": Message.json,
    "slack": _slack,
    "teams": _teams,
}
