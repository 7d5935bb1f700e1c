"""What a provider answered to a request that failed: kept sealed when it happens, shown to support, then deleted.

Nobody can mask a provider's free text, so it is in no log, webhook, metric or search: only here, in a row of its own,
and each look at it is audited.
"""

import base64
import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlmodel import Session

from writeback.core.errors import ConfigurationError, Conflict, Forbidden, NotFound
from writeback.core.secrets import SecretBox
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor
from writeback.domain.outcome import (
    Blocked,
    NotReached,
    Outcome,
    RawAnswer,
    ReadBack,
    Refused,
    Rejected,
    Uncertain,
    Unclear,
    Verdict,
)
from writeback.flow.engine.context import FlowContext
from writeback.store.people import audit
from writeback.store.reads.writebacks_read import Reads
from writeback.store.tables import ProviderAnswerRow
from writeback.store.writebacks import provider_answers
from writeback_client.models.corrections import ProviderAnswer

_LAYOUT = frozenset("\n\r\t")
_HEX_IN_A_LINE = 32


def keep_answer(
    secrets: SecretBox, session: Session, request_id: str, said: Outcome | Verdict | ReadBack | None, now: datetime
) -> None:
    """Keep the answer behind what has failed, if there was one, in the caller's transaction."""
    match said:
        case (
            Refused(raw=RawAnswer() as raw)
            | NotReached(raw=RawAnswer() as raw)
            | Uncertain(raw=RawAnswer() as raw)
            | Blocked(raw=RawAnswer() as raw)
            | Rejected(raw=RawAnswer() as raw)
            | Unclear(raw=RawAnswer() as raw)
        ):
            provider_answers.keep(session, request_id, secrets.seal(_as_json(raw)), now)


def _as_json(raw: RawAnswer) -> dict[str, object]:
    body = base64.b64encode(raw.body).decode()
    return {"status": raw.status, "content_type": raw.content_type, "body": body, "size": raw.size}


@dataclass(frozen=True)
class ProviderAnswers:
    """Shows them."""

    flow: FlowContext
    reads: Reads

    async def show(self, caller: Caller, writeback_id: str, request_id: str, actor: Actor) -> ProviderAnswer:
        """Return what is kept of a request that carried the writeback, and audit that it was shown.

        Raise Forbidden without the scope support, NotFound for what the caller may not see or is not kept, Conflict for
        what was sealed with another secret key.
        """
        if not caller.may(Scope.SUPPORT):
            raise Forbidden("key_lacks_scope", "this key has no scope 'support'", hint="Use a key that has it.")
        found = await self.reads.show(caller, writeback_id)
        if request_id not in {request.id for request in found.requests}:
            raise _not_kept(writeback_id, request_id)
        async with self.flow.db.read() as session:
            row = await provider_answers.of_request(session, request_id)
        if row is None:
            raise _not_kept(writeback_id, request_id)
        view = self._opened(row)
        noted = {"request": request_id}
        async with self.flow.db.write() as session:
            now = self.flow.clock.now()
            audit.note(
                session, actor, now, "writeback.answer", found.id, app=found.app, school=found.school, changed=noted
            )
        return view

    def _opened(self, row: ProviderAnswerRow) -> ProviderAnswer:
        try:
            kept = self.flow.secrets.open(row.sealed)
        except ConfigurationError as error:
            raise Conflict(
                "answer_sealed_otherwise",
                "the answer was sealed with another secret key and cannot be read any more",
                hint="Only with the WRITEBACK_SECRET_KEY of that time can it be.",
            ) from error
        body = base64.b64decode(cast(str, kept["body"]))
        encoding, text = _as_text(body, str(kept["content_type"]), is_cut=len(body) < int(kept["size"]))
        return ProviderAnswer(
            request=row.request_id,
            kept_at=row.kept_at,
            http_status=int(kept["status"]),
            content_type=_visible(str(kept["content_type"])),
            encoding=encoding,
            body=text,
            size=int(kept["size"]),
            is_cut=len(body) < int(kept["size"]),
        )


def _not_kept(writeback_id: str, request_id: str) -> NotFound:
    return NotFound(
        "answer_not_kept",
        f"nothing is kept of what the provider answered to {request_id[:64]!r} of {writeback_id[:64]}",
        hint="Only the last answer to a request that failed is kept, where there was one, and for a while only.",
    )


def _as_text(body: bytes, content_type: str, *, is_cut: bool) -> tuple[str, str]:
    """Return the encoding that was used and the text; JSON that is whole is set out in lines."""
    for encoding in dict.fromkeys(("utf-8", _charset(content_type), "windows-1252")):
        text = _decoded(body, encoding, is_cut=is_cut)
        if text is not None and not _is_binary(text):
            return encoding, _visible(_set_out(text))
    return "hex", "\n".join(body[at : at + _HEX_IN_A_LINE].hex(" ") for at in range(0, len(body), _HEX_IN_A_LINE))


def _charset(content_type: str) -> str:
    _, _, named = content_type.lower().partition("charset=")
    return named.split(";")[0].strip(" \"'") or "utf-8"


def _decoded(body: bytes, encoding: str, *, is_cut: bool) -> str | None:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(body) - 3:  # in the middle of a character
            return body[: error.start].decode(encoding)
    except (LookupError, ValueError):
        pass
    return None


def _is_binary(text: str) -> bool:
    return "\x00" in text


def _set_out(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _visible(text: str) -> str:
    """Return the text with escapes for what a screen or a terminal would obey instead of showing."""
    return "".join(
        one if one in _LAYOUT or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn") else _escape(one)
        for one in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
