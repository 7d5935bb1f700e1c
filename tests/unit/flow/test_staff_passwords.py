"""An account that is not there is refused as slowly as a wrong password."""

from writeback.flow import staff_passwords


async def test_nobodys_password_is_hashed_as_those_of_today() -> None:
    assert not staff_passwords.is_outdated(staff_passwords._NOBODYS)
    assert not staff_passwords.is_outdated(await staff_passwords.hash_password("four words make sense"))


async def test_nobody_has_a_password() -> None:
    assert not await staff_passwords.is_password("the password of nobody", None)
    assert not await staff_passwords.is_password("", None)
