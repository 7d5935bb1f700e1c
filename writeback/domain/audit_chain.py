"""The chain of the audit log: what proves that no line was changed, put between others, or taken out.

Each field of a line has a digest with a salt of its own. A line's digest is over those of its fields, and each link is
a hash over the link before it and the line's digest. So what a field says can be taken away, with its salt, while its
digest stays: the chain holds, and nobody can find out by trying what was there.

A proof is a line's fields, each with its salt (null: it was taken away) and its digest.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

FIRST = "0" * 64
"""What stands for the link before the first."""
_SALT_BYTES = 16
_CHANGED = "changed."

Proof = Mapping[str, tuple[str | None, str]]


class Head(NamedTuple):
    """How far the chain goes, and its last hash: whoever keeps it elsewhere can tell later whether it was rewritten."""

    position: int = 0
    hash: str = FIRST

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"

    @classmethod
    def read(cls, text: str) -> "Head":
        """Return what `str` wrote; raise ValueError for anything else."""
        position, _, hash_ = text.strip().partition(":")
        if len(hash_) != len(FIRST) or int(hash_, 16) < 0 or int(position) < 0:
            raise ValueError(f"{text[:100]!r} is no head")
        return cls(int(position), hash_.lower())


def fields_of(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have a digest: each entry of `changed` is one, so that one can be taken away alone."""
    fields = {name: value for name, value in line.items() if name != "changed"}
    return {**fields, **{f"{_CHANGED}{name}": value for name, value in line["changed"].items()}}


def prove(line: Mapping[str, Any]) -> Proof:
    """Return the proof of a line, with new salts."""
    salts = {name: secrets.token_hex(_SALT_BYTES) for name in fields_of(line)}
    return {name: (salts[name], _digest(name, salts[name], value)) for name, value in fields_of(line).items()}


def digest_of(proof: Proof) -> str:
    """Return the digest of a line."""
    return _sha256(json.dumps({name: digest for name, (_, digest) in proof.items()}, sort_keys=True))


def link(before: str, position: int, at: datetime, digest: str) -> str:
    """Return the hash of a link, to a line that tells what was done then."""
    return _sha256(f"writeback audit 1\n{before}\n{position}\n{at.isoformat()}\n{digest}")


def without(proof: Proof, names: Collection[str]) -> Proof:
    """Return the proof of a line of which some fields were taken away."""
    return {name: (None if name in names else salt, digest) for name, (salt, digest) in proof.items()}


def taken_away(name: str, who: str) -> Any:
    """Return what stands in a field that was taken away; entries of `changed` are left out."""
    return {"actor": f"erased:{who}", "subject": "erased", "reason": ""}.get(name)


def changed_fields(line: Mapping[str, Any], proof: Proof) -> Iterator[str]:
    """Give the names of the fields that say something else than what was proved."""
    fields = fields_of(line)
    for name in sorted(fields.keys() | proof.keys()):
        salt, digest = proof.get(name, (None, ""))
        if salt is None:
            is_as_it_was = digest != "" and fields.get(name) == taken_away(name, str(line["who"]))
        else:
            is_as_it_was = name in fields and hmac.compare_digest(_digest(name, salt, fields[name]), digest)
        if not is_as_it_was:
            yield name


def _digest(name: str, salt: str, value: Any) -> str:
    return _sha256(json.dumps([name, salt, value], sort_keys=True))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
