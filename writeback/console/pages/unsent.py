"""`/console/unsent`: the form that was sent when its sender was no longer signed in, to be sent now or left."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.words import sentence
from writeback.console.security import cookies
from writeback.console.security.unsent import kept_form

pages = Pages()


@pages.get("/unsent")
async def show(page: Page) -> Response:
    """Show what the form says, once."""
    kept = kept_form(page, page.person.id)
    if not kept:
        return page.redirect("/now")
    shown = [(sentence(name), value) for name, value in kept["fields"] if value and name != "confirmed"]
    response = page.render(
        "unsent.html", title="Not sent yet", path=kept["path"], back=kept["back"], fields=kept["fields"], shown=shown
    )
    page.kit.cookies.drop(response, cookies.UNSENT)
    return response
