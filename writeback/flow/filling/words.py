"""Words for codes: what an app calls a reason becomes the code that the school has for it. Pure; `fill_in` asks.

A code of the school's that is in use is never taken for a word, unless the word says so itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from validators.features import rule_for
from validators.field_places import Place, given
from validators.findings import make, texts_of
from validators.references import CODED, REFERENCES, Reference, coded_name, row_of
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView, is_active
from writeback.domain.school import School
from writeback.domain.school_settings.words import Word
from writeback.domain.submission.fields import Path, in_words
from writeback.domain.submission.shape_findings import show


@dataclass
class WordFilling:
    """Puts codes in the place of words, in records of one kind from one app."""

    kind: Kind
    school: School
    lookups: LookupView
    app_id: str
    findings: list[Finding] = field(default_factory=list)
    _meanings: dict[tuple[str, str], Word | None] = field(default_factory=dict)

    def fill(self, records: Sequence[Record], position: Callable[[int], int]) -> Sequence[Record]:
        """Return the records with codes for words; `position` says where each is in its submission."""
        words = self.school.words
        coded = [one for one in REFERENCES[self.kind.name] if one.is_coded and words.has(coded_name(one))]
        used = [one for one in coded if any(self._meaning(coded_name(one), value) for value in _values(records, one))]
        if not used:
            return records
        filled = list(records)
        for index, record in enumerate(records):
            for reference in used:
                for place in given(record, reference.field):
                    word = self._meaning(coded_name(reference), place.value)
                    if word is not None:
                        filled[index] = _with(filled[index], place.path, word.code)
                        self._say(position(index), place, word)
        return filled

    def _meaning(self, of: str, value: str) -> Word | None:
        """Return the word that a value is; None where it is none, or a code."""
        key = of, value
        if key not in self._meanings:
            word = self.school.words.find(self.app_id, of, value)
            is_word = word is not None and word.code != value and (word.always or not is_code(of, value, self.lookups))
            self._meanings[key] = word if is_word else None
        return self._meanings[key]

    def _say(self, position: int, place: Place, word: Word) -> None:
        rule = rule_for(self.school, self.kind.name)
        values = {"field": in_words(place.path), "value": show(place.value), "code": show(word.code)}
        self.findings.append(
            make(
                "word_used",
                {**texts_of(rule, self.school), **values},
                provider=rule.provider,
                family=self.kind.family,
                pointer="/".join(("/records", str(position), *map(str, place.path))),
                record=position,
            )
        )


def is_code(of: str, value: str, lookups: LookupView) -> bool:
    """Whether a value names something of the school's list that is in use; not where the list has never been
    fetched."""
    lookup = lookups.get(CODED[of].list)
    row = row_of(of, lookup, value) if lookup is not None else None
    return row is not None and is_active(row)


def _values(records: Sequence[Record], reference: Reference) -> set[str]:
    """Return what the records say in a field: of a register few different codes, whereof each is looked at once."""
    if "." in reference.field:
        return {place.value for record in records for place in given(record, reference.field)}
    return {value for record in records if (value := getattr(record, reference.field))}


def _with(holder: Any, path: Path, code: str) -> Any:
    """Return a record, or an object of it, with a code at the place."""
    name, *rest = path
    assert isinstance(name, str)
    if not rest:
        return holder.model_copy(update={name: code})
    index, *inner = rest
    assert isinstance(index, int)
    parts = list(getattr(holder, name))
    parts[index] = _with(parts[index], inner, code)
    return holder.model_copy(update={name: parts})
