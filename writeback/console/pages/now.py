"""`/console/now`."""

from starlette.responses import Response

from writeback.console.page import Page, Pages

pages = Pages()


@pages.get("/now")
async def show(page: Page) -> Response:
    """Show it."""
    return page.render("now.html", title="Now")
