"""Findings about attached files."""

from validators.catalogue.entry import WARNING, Entry, xporter

ENTRIES = (
    Entry(
        "media_not_base64",
        "{field} is not Base64",
        "Send the whole file in Base64, in one piece: letters, digits, + and /, padded with =.",
        wordings=xporter(
            "MediaBase64 iVBORw0KGgo....RK5CYII= Text Base64 encoded string of media attachment Yes", 14227
        ),
    ),
    Entry(
        "media_too_large",
        "{field} has {size} bytes: {limit} are the most",
        "Send a smaller picture, or attach it in {mis} itself.",
    ),
    Entry(
        "media_type_mismatch",
        "{field} is {value}, and the file's name ends in {ending}",
        "It is sent as it is; send the type as the file's name ends.",
        severity=WARNING,
        wordings=xporter("MediaType png Text Media attachment filetype Yes", 14225),
    ),
)
