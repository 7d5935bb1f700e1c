"""How long one list may be: a provider whose pages never end must cost a sync, not the worker."""

from writeback.core.settings import LookupSettings


class PageBudget:
    """The pages and bytes that one list may still have."""

    def __init__(self, settings: LookupSettings) -> None:
        self._settings = settings
        self._pages = self._bytes = 0

    def spend(self, size: int) -> str | None:
        """Count a page of `size` bytes; return what is wrong where that is too much."""
        self._pages, self._bytes = self._pages + 1, self._bytes + size
        if self._pages > self._settings.max_pages:
            return f"the list has more than {self._settings.max_pages} pages (WRITEBACK_LOOKUPS__MAX_PAGES)"
        if self._bytes > self._settings.max_list_bytes:
            return f"the list has more than {self._settings.max_list_bytes} bytes (WRITEBACK_LOOKUPS__MAX_LIST_BYTES)"
        return None
