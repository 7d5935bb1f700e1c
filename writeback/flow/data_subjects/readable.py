"""What is kept of a person as a page that anybody can read, and both forms in one archive."""

import html
import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from writeback_client.models.people import PersonExport

JSON_NAME, PAGE_NAME = "export.json", "export.html"
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "dt{font-weight:bold}dd{margin:0 0 .3rem 1.5rem}article{border-top:1px solid #999;padding:.7rem 0}"
)


def archive_of(export: PersonExport) -> bytes:
    """Return a ZIP with the export for machines and for people."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(JSON_NAME, export.model_dump_json(indent=2))
        archive.writestr(PAGE_NAME, page_of(export))
    return file.getvalue()


def page_of(export: PersonExport) -> str:
    """Return the export as an HTML page that needs nothing beside itself."""
    return "\n".join(_page(export))


def _page(export: PersonExport) -> Iterator[str]:
    whose = f"{'Pupil' if export.role == 'student' else 'Member of staff'} {export.id}"
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(whose)}</title><style>{_STYLE}</style>"
    yield f"<h1>What is kept of {_text(whose)}</h1>"
    yield f"<p>School: {_text(export.school)}. Made at {export.made_at.isoformat(timespec='seconds')}.</p>"
    if not export.places:
        yield "<p>Nothing is kept of this person.</p>"
    for place in export.places:
        yield f"<h2>{_text(place.holds)}</h2>"
        for item in place.items:
            yield f"<article>{_shown(item)}</article>"
    if export.waiting:
        yield "<h2>Still on its way</h2><ul>"
        yield from (f"<li>{_text(f'{one.table} {one.id}: {one.status}')}</li>" for one in export.waiting)
        yield "</ul>"
    yield "<h2>Elsewhere</h2><ul>"
    yield from (f"<li>{_text(note)}</li>" for note in export.notes)
    yield "</ul></html>"


def _shown(value: Any) -> str:
    match value:
        case Mapping():
            parts = (
                f"<dt>{_text(name)}</dt><dd>{_shown(one)}</dd>" for name, one in value.items() if one not in (None, [])
            )
            return f"<dl>{''.join(parts)}</dl>"
        case list() | tuple():
            return f"<ul>{''.join(f'<li>{_shown(one)}</li>' for one in value)}</ul>"
    return _text(value)


def _text(value: Any) -> str:
    return html.escape(str(value))
