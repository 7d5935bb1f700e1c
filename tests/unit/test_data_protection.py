"""What docs/data_protection.md says of the tables, settings and commands is so."""

import re

from tests.documents.data_protection import PAGE, rendered
from writeback.core.settings import Settings


def test_the_tables_are_those_of_the_code() -> None:
    assert PAGE.read_text() == rendered(), "run `python -m tests.documents.data_protection`"


def test_every_setting_that_is_named_exists() -> None:
    for name in set(re.findall(r"`WRITEBACK_([A-Z_]+)`", PAGE.read_text())):
        group, _, field = name.lower().partition("__")
        model = Settings.model_fields[group]
        if field:
            assert field in type(model.default).model_fields, name
