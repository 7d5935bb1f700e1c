"""`/console/retention`: for how long each kind of data is kept, and what the latest runs have deleted."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.domain.staff import Permission
from writeback.flow.upkeep.retention_rules import RULES, age_in_words

pages = Pages()

_RUNS = 24


@pages.get("/retention", needs=Permission.MANAGE)
async def show(page: Page) -> Response:
    """Show the rules and the runs."""
    settings = page.services.settings
    state = await page.services.retention.state(_RUNS)
    rules = [(rule.what, age_in_words(rule.age(settings))) for rule in RULES]
    words = {rule.name: rule.what for rule in RULES}
    return page.render("retention.html", title="Retention", state=state, rules=rules, words=words)
