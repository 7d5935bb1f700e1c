"""Write docs/coverage.md from docs/coverage/*.toml: `python -m tests.documents.generate`, `--check` to compare only."""

import argparse
import sys

from tests.documents.table import ROOT, Document, Row, Section, documents

PAGE = ROOT / "docs" / "coverage.md"
_HEAD = """\
# What the providers' documents say, where it is done, and which test shows it

Every operation, field, rule, limit, note about a MIS, webhook, state and message about writing back. Made from
`docs/coverage/*.toml` by `python -m tests.documents.generate`: change those, not this page.

- **Line**: where the provider's document says it. The documents are not in this repository; with their paths in
  {variables},
  `pytest tests/unit/test_coverage.py` compares every quotation with them, and every table of attributes with the rows
  here.
- **Done in**: a file, and the name in it; of a rule file the kind.
- **Findings**: what validation says of it (`validators/catalogue`).
- **Shown by**: tests by name, examples by path. Tests fail where one of them, or anything in "Done in", is not there.
- **Not covered** says why nothing is done about it.

To add a row: an entry in the section it belongs to, then the command above. A new attribute goes into the section's
`names`, too.

{counts}
"""
_TESTS, _EXAMPLES = "tests/", "tests/examples/"


def render() -> str:
    """Return the text of docs/coverage.md."""
    known = documents()
    variables = " and ".join(f"`{document.variable}`" for document in known)
    counts = "\n".join(
        ["| document | rows | covered | not covered |", "| --- | --- | --- | --- |", *map(_count, known)]
    )
    return _HEAD.format(variables=variables, counts=counts) + "".join(map(_document, known))


def _count(document: Document) -> str:
    rows = [row for section in document.sections for row in section.rows]
    missing = sum(bool(row.not_covered) for row in rows)
    return f"| {document.full_title} | {len(rows)} | {len(rows) - missing} | {missing} |"


def _document(document: Document) -> str:
    return f"\n## {document.title}\n" + "".join(map(_section, document.sections))


def _section(section: Section) -> str:
    head = f"\n### {section.title} ({section.line})\n"
    if section.kind:
        head += f"\nKind: `{section.kind}`.\n"
    table = "\n| what | line | done in | findings | shown by |\n| --- | --- | --- | --- | --- |\n"
    return head + table + "".join(map(_row, section.rows))


def _row(row: Row) -> str:
    if row.not_covered:
        return f"| {_cell(row.what)} | {row.line} | **Not covered**: {_cell(row.not_covered)}. | | |\n"
    what = _cell(row.what) + (f". *{_cell(row.note)}*" if row.note else "")
    done, found = _list(row.code), _list(row.findings)
    return f"| {what} | {row.line} | {done} | {found} | {_list([_shortened(test) for test in row.tests])} |\n"


def _list(names: tuple[str, ...] | list[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names)


def _shortened(test: str) -> str:
    """Return an example by its path below tests/examples, a test by its file and name."""
    return test.removeprefix(_EXAMPLES).removeprefix(_TESTS)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with `--check` only say whether it is out of date; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.documents.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page is out of date")
    only_check = parser.parse_args(arguments).check
    text = render()
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if only_check:
        print("docs/coverage.md is out of date: run `python -m tests.documents.generate` and commit what it writes.")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    print("wrote docs/coverage.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
