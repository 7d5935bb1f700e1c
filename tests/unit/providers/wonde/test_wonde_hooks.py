"""What Wonde's webhooks tell."""

import json
from pathlib import Path
from typing import Any

import pytest

from writeback.core.errors import BadInput
from writeback.providers.wonde.hooks import parse_hook

WEBHOOKS = Path(__file__).parents[3] / "examples/wonde/webhook/accepts"
TOKEN = "7e76896f9aca62569048c667db292d72dd84f224"


def test_the_writeback_webhook_is_a_hint_about_its_writeback() -> None:
    hint = parse_hook((WEBHOOKS / "document_writeback.json").read_bytes())

    assert (hint.event, hint.provider_ref) == ("writeback", "A2032141745")
    assert hint.payload["status"] == "SUCCESS"


@pytest.mark.parametrize("path", sorted(WEBHOOKS.glob("*.json")), ids=lambda path: path.stem)
def test_each_documented_webhook_is_recognised_by_its_type_without_names_and_tokens(path: Path) -> None:
    hint = parse_hook(path.read_bytes())

    assert hint.event == json.loads(path.read_bytes())["payload_type"]
    assert not {"school_token", "school_name"} & set(hint.payload)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"{}",
        b'{"payload_type": "writeback"}',
        b'{"payload_type": 3}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"payload_type": "writeback", "writeback_id": "A\\u00001"}',
    ],
)
def test_a_webhook_that_cannot_be_read_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        parse_hook(body)


def test_what_is_kept_of_a_webhook_can_be_kept() -> None:
    hint = parse_hook(b'{"payload_type": "accessRevoked", "school_id": "A1", "revoke_reason": "no\\u0000 more\\ud800"}')
    assert hint.payload["revoke_reason"] == "no more"


@pytest.mark.parametrize("name", ["school_approved", "access_revoked", "access_declined", "school_migration"])
def test_an_event_of_a_school_says_which(name: str) -> None:
    hint = parse_hook((WEBHOOKS / f"document_{name}.json").read_bytes())

    assert hint.provider_school_id == "A2032141745"
    assert hint.name == "Sir John Cass's Foundation Primary School"
    assert hint.provider_ref is None


def test_the_token_of_an_approval_is_passed_on_and_shown_nowhere() -> None:
    hint = parse_hook((WEBHOOKS / "document_school_approved.json").read_bytes())

    assert hint.credential == TOKEN
    assert TOKEN not in repr(hint)
    assert TOKEN not in json.dumps(hint.payload)


@pytest.mark.parametrize("token", [None, "", " ", "a\nb", 7, "tök"])
def test_a_token_that_cannot_be_one_is_none(token: Any) -> None:
    body = {"payload_type": "schoolApproved", "school_id": "A1", "school_token": token}
    assert parse_hook(json.dumps(body).encode()).credential is None


def test_only_an_approval_brings_a_token() -> None:
    body = {"payload_type": "accessRevoked", "school_id": "A1", "school_token": TOKEN}
    hint = parse_hook(json.dumps(body).encode())
    assert hint.credential is None
    assert hint.name is None


def test_a_writeback_is_about_no_school() -> None:
    hint = parse_hook((WEBHOOKS / "document_writeback.json").read_bytes())
    assert (hint.provider_school_id, hint.name, hint.credential) == (None, None, None)
