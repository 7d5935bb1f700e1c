"""What holds for every page: headers, language, title, one heading, a place to skip to."""

import re

from tests.console.conftest import SignIn
from writeback.console.navigation import MENU


async def test_every_page_of_the_menu_has_a_title_a_heading_and_a_main_part(sign_in: SignIn) -> None:
    visitor = await sign_in("admin")

    for entry in MENU:
        answer = await visitor.get(entry.path)

        assert answer.status_code == 200, entry.path
        assert len(re.findall("<h1", answer.text)) == 1, entry.path
        assert '<main id="main"' in answer.text
        assert '<html lang="en-GB">' in answer.text
        assert "style=" not in answer.text, "the policy forbids styles within the page"
