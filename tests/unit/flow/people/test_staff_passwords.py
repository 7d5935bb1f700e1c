"""An account that is not there is refused as slowly as a wrong password."""

from writeback.flow.people import passwords


async def test_nobodys_password_is_hashed_as_those_of_today() -> None:
    assert not passwords.is_outdated(passwords._NOBODYS)
    assert not passwords.is_outdated(await passwords.hash_password("four words make sense"))


async def test_nobody_has_a_password() -> None:
    assert not await passwords.is_password("the password of nobody", None)
    assert not await passwords.is_password("", None)
