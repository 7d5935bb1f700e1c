"""What a message looks like to those who receive it as JSON."""

import json
from typing import Any

from writeback.domain.alerts import ReceiverKind, Told
from writeback.flow.alerts.messages import Message
from writeback_client.models.alerts import AlertMessage

_COLOURS = {Told.OVER: "good", Told.TEST: "good", Told.REPORT: "accent"}


def body_for(kind: ReceiverKind, message: Message) -> str:
    """Return the body of a POST to a receiver of this kind."""
    match kind:
        case ReceiverKind.TEAMS:
            return json.dumps(_card(message))
        case ReceiverKind.SLACK:
            return json.dumps(
                {
                    "text": "\n".join([f"*{_escaped(message.subject)}*", *map(_escaped, message.lines)])
                    + f"\n<{message.link}>"
                }
            )
        case _:
            return _own(message).model_dump_json()


def _own(message: Message) -> AlertMessage:
    return AlertMessage.model_validate(
        {
            "type": f"alert.{message.told.value}",
            "subject": message.subject,
            "text": "\n".join(message.lines),
            "link": message.link,
            "data": message.facts or None,
        }
    )


def _card(message: Message) -> dict[str, Any]:
    """Return an Adaptive Card, as Workflows of Teams take it."""
    title = {
        "type": "TextBlock",
        "text": message.subject,
        "weight": "bolder",
        "size": "medium",
        "wrap": True,
        "color": _COLOURS.get(message.told, "attention"),
    }
    lines = [{"type": "TextBlock", "text": line, "wrap": True} for line in message.lines]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *lines],
        "actions": [{"type": "Action.OpenUrl", "title": "Open the console", "url": message.link}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _escaped(text: str) -> str:
    """Return text of which Slack makes no links or mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
