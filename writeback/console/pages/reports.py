"""`/console/reports`."""

from starlette.responses import Response

from writeback.console.page import Page, Pages

pages = Pages()


@pages.get("/reports")
async def show(page: Page) -> Response:
    """Show it."""
    return page.render("reports.html", title="Reports")
