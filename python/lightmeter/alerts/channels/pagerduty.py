"""PagerDuty's Events API v2: an alert for each incident, which is resolved when that is over."""

import json
from typing import Any, Literal

from lightmeter.alerts.channels.posting import PostingAlert, Url, Variable, variable
from lightmeter.alerts.message import Message
from lightmeter.text import shorten

_SEVERITIES = {"anomaly": "error", "error": "warning"}
_MOST_SUMMARY = 1024  # characters that it takes


class PagerDuty(PostingAlert):
    """Triggers an alert when an incident begins, and resolves it when that is over.

    Both have the identifier of the incident as ``dedup_key``, so that what is sent twice is one
    alert. What is over by the time it is told is triggered and resolved.

    Attributes:
        key_env: the environment variable that holds the integration key of the service.
        url: the address of the API; there is another one for accounts in Europe.
    """

    to: Literal["pagerduty"] = "pagerduty"
    key_env: Variable
    url: Url = "https://events.pagerduty.com/v2/enqueue"

    def send(self, message: Message) -> None:
        """Post the events of the message, and wait until all are accepted.

        Raises:
            DeliveryError: one was not. The error tells neither the key nor the address.
        """
        key = variable(self.key_env)
        for event in _events(message):
            body = json.dumps({"routing_key": key, **event}).encode()
            self.post("PagerDuty", self.url, body, {})


def _events(message: Message) -> list[dict[str, Any]]:
    facts, keys = message.facts, message.incidents or (message.ident,)
    resolved = [{"event_action": "resolve", "dedup_key": key} for key in keys]
    if message.what in ("resolved", "withdrawn"):
        return resolved
    event: dict[str, Any] = {
        "event_action": "trigger",
        "dedup_key": keys[0],
        "payload": {
            "summary": shorten(message.title, _MOST_SUMMARY),
            "source": facts.get("dataset") or "lightmeter",
            "severity": _SEVERITIES.get(facts.get("kind", ""), "info"),
            "custom_details": facts,
        },
        "client": "lightmeter",
    }
    if message.link:
        event["links"] = [{"href": message.link, "text": "page"}]
    return [event, *resolved] if message.what == "test" or facts.get("end") else [event]
