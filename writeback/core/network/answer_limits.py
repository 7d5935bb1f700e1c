"""Bodies of what others answer, read in pieces and never past a limit, neither as they come nor unpacked."""

import zlib

import httpx

ACCEPT_ENCODING = "gzip"
"""What to ask for: the one packing that is unpacked here, a bounded piece at a time."""

_GZIP = 16 + zlib.MAX_WBITS


class AnswerTooLarge(Exception):
    """The answer has more than `limit` bytes, as it comes or unpacked."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit} bytes")


async def read_limited(response: httpx.Response, limit: int) -> bytes:
    """Return the body of a response that was asked for as a stream; the caller closes it.

    Raise AnswerTooLarge, httpx.DecodingError for a packing that was not asked for or is broken, and httpx's own errors.
    """
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing not in ("", "identity", "gzip", "x-gzip"):
        raise httpx.DecodingError("the answer is packed in a way that was not asked for")
    # httpx unpacks each piece whole: 16 kB of gzip would be 16 MB before anybody could look.
    gzip = zlib.decompressobj(_GZIP) if packing.endswith("gzip") else None
    assert isinstance(response.stream, httpx.AsyncByteStream)
    parts: list[bytes] = []
    came = size = 0
    async for part in response.stream:
        came += len(part)
        if gzip is not None:
            part = _unpacked(gzip, part, limit + 1 - size)
        size += len(part)
        if max(came, size) > limit:  # packed nothing may be without end, too
            raise AnswerTooLarge(limit)
        parts.append(part)
    if gzip is not None and came and not gzip.eof:
        raise httpx.DecodingError("the packed answer breaks off")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(gzip: "zlib._Decompress", part: bytes, most: int) -> bytes:
    try:
        return gzip.decompress(part, most)
    except zlib.error as error:
        raise httpx.DecodingError("the packed answer is broken") from error
