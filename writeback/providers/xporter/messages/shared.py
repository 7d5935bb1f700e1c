"""Messages that requests of every kind share."""

from collections.abc import Sequence

from writeback.providers.xporter.messages.base import Message, Pattern

TABLE: Sequence[Message] = (
    Message(
        "writeback_not_supported",
        Pattern(r"writeback is not supported"),  # 14051, 14301
        "Xporter cannot write this into this MIS",
        "Record it in the MIS itself; do not send it for this school.",
        names_all=True,
    ),
    Message(
        "student_not_on_roll",
        Pattern(r"invalid StudentId<values>"),  # 14052, 14302
        "The pupil is not on roll at the school",
        "The pupil has left or has not been admitted yet: leave the record out, or ask the school to check its roll.",
        ("StudentId",),
    ),
)

_MEND = "Mend what Xporter names, then send it again."
OTHERS: Sequence[Message] = (
    Message(
        "provider_refused",
        Pattern(r"StudentId<values>"),
        "Xporter refuses this record",
        _MEND,
        ("StudentId",),
    ),
    Message(
        "provider_refused",
        Pattern(r"\b(?:Conduct|Detention)\s*Id<values>"),
        "Xporter refuses this record",
        _MEND,
        ("Id",),
    ),
)
"""For a message that is in no table: it is about whom it names."""
