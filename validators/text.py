"""What a comment may hold: its length as the providers count it, and whether there is an emoji in it."""

import re

# Emoji without a table of our own to keep: the planes and blocks that hold pictographs (their Unicode category is So,
# but so is that of ° © № and ™, which are ordinary text and stay allowed), those few of the technical and arrow
# blocks that have an emoji form, and the marks that turn a character into one: the variation selector, the keycap
# and the tags. Dingbats count as a whole: one plain ✓ refused here is better than a register that Wonde refuses
# later without saying why.
_EMOJI = re.compile(
    "["
    "\U0001f000-\U0001faff"  # faces, people, animals, food, objects, flags
    "\u2600-\u27bf"  # miscellaneous symbols, dingbats
    "\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa"  # watch, keyboard, buttons
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"  # arrows, squares, star, CJK marks
    "\ufe0f\u20e3\U000e0020-\U000e007f"  # emoji variation selector, keycap, tags
    "]"
)


def first_emoji(text: str) -> str | None:
    """Return the first emoji as `U+1F600`, None where there is none."""
    if text.isascii():
        return None
    found = _EMOJI.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def length_of(text: str) -> int:
    """Return the length in UTF-16 units, as .NET and so SIMS and Xporter count: an emoji counts as two."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
