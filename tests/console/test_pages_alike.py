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


async def test_an_address_without_a_page_keeps_the_menu_for_whoever_is_signed_in(sign_in: SignIn) -> None:
    answer = await (await sign_in("admin")).get("/nothing/here")

    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text
    assert 'aria-label="Main"' in answer.text
