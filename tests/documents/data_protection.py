"""The tables of docs/data_protection.md, made from where the code says that persons' data may lie.

`python -m tests.documents.data_protection` writes them; `tests/unit/test_data_protection.py` compares.
"""

from pathlib import Path

from writeback.flow.data_subjects.places import NOBODY, PLACES

PAGE = Path(__file__).parents[2] / "docs" / "data_protection.md"
BEGIN, END = "<!-- made from writeback/flow/data_subjects/places.py -->", "<!-- end -->"


def tables() -> str:
    """Return both tables: where something of a person may lie, and where not."""
    lines = ["| table | columns | what of a person lies there |", "| --- | --- | --- |"]
    lines += [f"| `{one.name}` | {', '.join(f'`{name}`' for name in one.columns)} | {one.holds} |" for one in PLACES]
    lines += ["", "The other tables hold nobody:", "", "| table | what it holds instead |", "| --- | --- |"]
    lines += [f"| `{row.__tablename__}` | {holds} |" for row, holds in NOBODY.items()]
    return "\n".join(lines)


def rendered() -> str:
    """Return the page with the tables as they are now."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rendered())
