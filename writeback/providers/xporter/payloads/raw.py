"""What the document names and does not describe (Xporter 14663-14800): passed on as it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from writeback.core.settings import XporterSettings

_TEMPLATES: Mapping[str, Callable[[XporterSettings], str]] = {
    "EntityAttributes": lambda settings: settings.entity_attributes_path,
    "GDPRfilter": lambda settings: settings.gdpr_filter_path,
    "Photos": lambda settings: settings.photos_path,
    "SeatingPlan": lambda settings: settings.seating_plan_path,
    "TagDefinitions": lambda settings: settings.tag_definitions_path,
    "Tags": lambda settings: settings.tags_path,
    "UserAsync": lambda settings: settings.user_async_path,
}


def build(records: Sequence[Any]) -> dict[str, Any]:
    """Return the body of the one record that a request carries."""
    (record,) = records
    return dict(record.body)


def template_of(records: Sequence[Any], settings: XporterSettings) -> str:
    """Return the path of the record's operation, without the establishment number."""
    return _TEMPLATES[records[0].operation](settings)


def wants_callback(records: Sequence[Any], body: Mapping[str, Any]) -> bool:
    """Whether our callback is put into the body: UserAsync answers by one (14810), and an asynchronous call must name
    it (14086). One that the app named itself stays."""
    return bool(records[0].operation == "UserAsync" and "callback" not in {name.lower() for name in body})
