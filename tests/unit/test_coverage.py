"""What docs/coverage.md claims is so: the code, tests and findings that it names are there, nothing is left out.

With the documents' paths in the environment (see docs/coverage.md) its quotations and its lists of attributes are
compared with them, and so are the providers' words in validation's catalogue.
"""

import ast
import importlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.documents import generate
from tests.documents.table import ROOT, AttributeTable, Document, Section, documents
from validators.catalogue import CATALOGUE
from validators.features import all_rules
from writeback.domain.kinds import KINDS

SECTIONS = [(document, section) for document in documents() for section in document.sections]
ROWS = [(document, row) for document, section in SECTIONS for row in section.rows]
COVERED = [row for _, row in ROWS if not row.not_covered]
TABLES = [(document, section, section.table) for document, section in SECTIONS if section.table]
_NEAR = 2


def _id(value: object) -> str:
    match value:
        case Document():
            return value.name
        case Section():
            return value.title.replace(" ", "_")
        case _:
            return ""


sections = pytest.mark.parametrize(("document", "section"), SECTIONS, ids=_id)


def test_the_page_is_what_the_tables_say() -> None:
    assert generate.main(["--check"]) == 0


def test_checking_says_that_the_page_is_out_of_date_and_writing_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "coverage.md"
    page.write_text("old", encoding="utf-8")
    monkeypatch.setattr(generate, "PAGE", page)

    assert generate.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().out
    assert (generate.main([]), page.read_text(encoding="utf-8")) == (0, generate.render())


@sections
def test_the_code_that_a_row_names_is_there(document: Document, section: Section) -> None:
    missing = [(row.line, place) for row in section.rows for place in row.code if not _is_there(place)]

    assert missing == []


def _is_there(place: str) -> bool:
    file, _, name = place.partition(":")
    if not (ROOT / file).is_file():
        return False
    if file.endswith(".toml"):
        return name in {kind for provider, _, kind in _rules() if provider == Path(file).stem}
    return not name or hasattr(importlib.import_module(_module(file)), name)


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _rules() -> frozenset[tuple[str, str, str]]:
    return frozenset((rule.provider, rule.mis, rule.kind) for rule in all_rules())


@sections
def test_the_tests_that_a_row_names_are_there(document: Document, section: Section) -> None:
    missing = [(row.line, test) for row in section.rows for test in row.tests if not _exists(test)]

    assert missing == []


def _exists(test: str) -> bool:
    file, _, name = test.partition("::")
    return (ROOT / file).is_file() and (not name or name in _tests_in(file))


@cache
def _tests_in(file: str) -> frozenset[str]:
    """Return the tests that pytest collects from a file: its top-level functions of that name."""
    found = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    functions = (node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in functions if name.startswith("test_"))


@sections
def test_the_findings_that_a_row_names_are_in_the_catalogue(document: Document, section: Section) -> None:
    named = {(row.line, code) for row in section.rows for code in row.findings}

    assert {(line, code) for line, code in named if code not in CATALOGUE} == set()


@pytest.mark.parametrize(("document", "section", "table"), TABLES, ids=_id)
def test_every_attribute_of_a_table_has_one_row(document: Document, section: Section, table: AttributeTable) -> None:
    within = [row.what for row in section.rows if table.first <= row.line <= table.last]

    assert [name for name, times in Counter(section.names).items() if times > 1] == []
    assert [name for name in section.names if within.count(name) != 1] == []


def test_every_kind_of_a_provider_has_its_rule_in_the_table() -> None:
    named = {place for row in COVERED for place in row.code if place.startswith("validators/rules/")}
    supported = {
        f"validators/rules/{rule.provider}.toml:{rule.kind}"
        for rule in all_rules()
        if rule.supported and rule.kind in KINDS
    }

    assert supported - named == set()


def test_every_message_of_a_provider_that_validation_quotes_is_in_the_table() -> None:
    answer = {(document.title, row.line) for document, row in ROWS}
    quoted = {wording.source for entry in CATALOGUE.values() for wording in entry.wordings.values()}

    missing = {
        source
        for source in quoted
        for title, line in [source.split(" ")]
        if not any((title, int(line) + off) in answer for off in range(-_NEAR, _NEAR + 1))
    }

    assert missing == set()


# With the documents at hand.


def _lines(variable: str) -> Sequence[str]:
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{variable} does not say where the document is")
    return Path(path).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("document", documents(), ids=_id)
def test_the_documents_say_what_the_rows_quote(document: Document) -> None:
    lines = _lines(document.variable)

    wrong = [
        (row.line, row.says)
        for section in document.sections
        for row in section.rows
        if not any(row.says in line for line in lines[max(0, row.line - 1 - _NEAR) : row.line + _NEAR])
    ]

    assert wrong == []


@pytest.mark.parametrize(("document", "section", "table"), TABLES, ids=_id)
def test_the_documents_list_no_other_attributes(document: Document, section: Section, table: AttributeTable) -> None:
    lines = _lines(document.variable)[table.first - 1 : table.last]

    found = [name for line in lines if (name := _attribute(line, table.form))]

    assert found == list(section.names)


_FORMS = {
    # `students > points integer Yes …`; the type may stand alone, and what follows on lines of its own.
    "attributes": r"(\w+(?: > \w+)?) (?:string|number|integer|decimal|array|datetime)\b(?: (?:Yes|No|no)\b|$)",
    "typed": r"(\w+) (?:string|boolean|datetime)\b",
    "plain": r"([A-Za-z0-9]+) \S",
    "bullets": r"\s*• (\w+) - ",
    "json": r'\s*"(\w+)":',
}


def _attribute(line: str, form: str) -> str | None:
    found = re.match(_FORMS[form], line)
    return found[1] if found else None


@pytest.mark.parametrize("document", documents(), ids=_id)
def test_the_documents_say_what_validation_quotes(document: Document) -> None:
    lines = _lines(document.variable)
    wordings = [wording for entry in CATALOGUE.values() for wording in entry.wordings.values()]

    wrong = [
        (wording.source, wording.text)
        for wording in wordings
        for title, line in [wording.source.split(" ")]
        if title == document.title and not _stands(wording.text, lines, int(line))
    ]

    assert wrong == []


def _stands(text: str, lines: Sequence[str], line: int) -> bool:
    return any(text in one for one in lines[line - 1 - _NEAR : line + _NEAR])
