"""What goes through as it is: there is nothing to check it against, and it is said so."""

from typing import Any

from validators.records import RecordCheck


class RawCheck(RecordCheck):
    """Warns of every call that nobody here can judge; its body is never quoted."""

    def check_record(self, index: int, record: Any) -> None:
        self.report("raw_unchecked", index, (), {"operation": record.operation})
