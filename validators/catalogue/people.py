"""Findings about people who are named as the school knows them. None repeats what was given, nor who comes near."""

from validators.catalogue.entry import Entry, RaisedBy
from writeback.domain.submission.people import SAID_TWICE

ENTRIES = (
    Entry("person_said_twice", *SAID_TWICE, raised_by=RaisedBy.ACCEPT),
    Entry(
        "person_unknown",
        "{field}: nobody at {school} is so named",
        "Compare it with the school's MIS, letter by letter, or send {field}_id. Who has just been admitted is known "
        "after the next sync.",
        raised_by=RaisedBy.ACCEPT,
    ),
    Entry(
        "person_ambiguous",
        "{field}: more than one person at {school} is so named, or what is given leads to different people",
        "Send a number that is the person's alone ({numbers}), or {field}_id.",
        raised_by=RaisedBy.ACCEPT,
    ),
    Entry(
        "person_named_too_little",
        "{field}: what is given can lead to nobody at {school}",
        "Send {enough}, or {field}_id.",
        raised_by=RaisedBy.ACCEPT,
    ),
    Entry(
        "people_not_kept",
        "{field}: {school} keeps no directory of its people, or it has not been fetched yet",
        "Send {field}_id; or have the school's setting `directory` changed to hashed or named, and sync it.",
        raised_by=RaisedBy.ACCEPT,
    ),
)
