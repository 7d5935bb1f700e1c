"""What a school calls its people beside their names: UPNs, admission numbers, codes of staff. None is anybody's."""

from collections.abc import Collection
from datetime import date

_CHECK_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_NOWHERE = "999"
"""A local authority that there is not, so that no UPN here is a real pupil's."""


def upn(school: str, number: int, born: date) -> str:
    """Return a UPN: a check letter, authority, school, the year of entry, and a number within it.

    The letter follows the Department for Education's guide: the digits, weighted from 2 on, modulo 23.
    """
    digits = f"{_NOWHERE}{school[-4:]}{(born.year + 5) % 100:02}{number % 1_000:03}"
    total = sum(weight * int(digit) for weight, digit in enumerate(digits, start=2))
    return _CHECK_LETTERS[total % 23] + digits


def admission_number(number: int) -> str:
    """Return the number by which a pupil was admitted."""
    return f"{4_000 + number:06}"


def staff_code(forename: str, surname: str, taken: Collection[str]) -> str:
    """Return somebody's initials, with a number where others have them."""
    initials = f"{forename[0]}{surname[:2]}".upper()
    number = 1
    while (code := initials if number == 1 else f"{initials}{number}") in taken:
        number += 1
    return code
