"""The Python client of the writeback API. Needs httpx and pydantic, and standardwebhooks where webhooks are received.

    from writeback_client import Client

    with Client() as client:  # WRITEBACK_URL, WRITEBACK_KEY
        done = client.submit_and_wait("hillside", "attendance.session", [{"student_id": "A1", …}])

Everything for users is named in `face.py`; see docs/client.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from writeback_client.face import *  # noqa: F403
    from writeback_client.face import __all__ as __all__
else:

    def __getattr__(name: str) -> Any:
        """Load the client when it is asked for: the service needs its words and models at every start, and not it."""
        if name[:1].isupper() or name in ("verify_webhook", "__all__"):
            from writeback_client import face

            return getattr(face, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
