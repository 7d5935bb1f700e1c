"""An attached file: whether its Base64 is whole, how large it is, and whether its type goes with its name."""

import binascii
import re
from collections.abc import Iterator
from typing import Any

from writeback.domain.submission.shape_findings import show

_ENDING = re.compile("[A-Za-z0-9]{1,5}")  # what is longer may be anything, also a name
_ALIKE = {"jpeg": "jpg", "jpe": "jpg", "tif": "tiff", "htm": "html", "mpeg": "mpg"}


def check_medium(medium: Any, limit: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the code, field and values of each finding about a file of which at most `limit` bytes are taken."""
    content = medium.content
    size = len(content) * 3 // 4 - content[-2:].count("=")
    if size > limit:
        yield "media_too_large", "content", {"size": size, "limit": limit}
    elif not _is_base64(content):
        yield "media_not_base64", "content", {}
    ending = medium.file_name.rpartition(".")[2] if "." in medium.file_name else ""
    if _ENDING.fullmatch(ending) and _plain(medium.media_type) != _plain(ending):
        yield "media_type_mismatch", "media_type", {"value": show(medium.media_type), "ending": ending}


def _is_base64(content: str) -> bool:
    try:
        binascii.a2b_base64(content, strict_mode=True)
    except ValueError:  # binascii.Error, and what is not ASCII
        return False
    return True


def _plain(name: str) -> str:
    """Return a type as a name would end: `image/jpeg`, `.JPG` and `jpg` are one."""
    bare = name.casefold().rpartition("/")[2].lstrip(".")
    return _ALIKE.get(bare, bare)
