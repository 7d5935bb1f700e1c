"""What each code means, for the pages that `type` in a problem points to: our own errors, and every finding."""

from dataclasses import dataclass
from html import escape

from validators import CATALOGUE


@dataclass(frozen=True)
class Explanation:
    """`wordings`: the providers' own words, with their source."""

    code: str
    meaning: str
    remedy: str
    wordings: tuple[str, ...] = ()


_OURS = {
    "body_invalid": ("Fields of the body are missing, wrong or unknown.", "The findings name each field."),
    "body_not_json": ("The body is not JSON.", "Send one JSON object in UTF-8."),
    "body_not_object": ("The body is JSON, but no object.", "Send one JSON object."),
    "body_not_utf8": ("The body is not UTF-8.", "Encode the JSON as UTF-8."),
    "body_too_large": ("The body is longer than this service takes.", "Send it in parts."),
    "body_unreadable": ("The body cannot be read.", "Send JSON in UTF-8."),
    "callback_unreadable": ("The callback is not of the form that Xporter's document shows.", "Look at what is sent."),
    "code_unknown": ("There is no page about this code.", "The answer's own detail and hint say most."),
    "content_type_unsupported": ("The Content-Type is not JSON.", "Send application/json."),
    "cursor_invalid": ("The cursor was not made by this service.", "Send next_cursor of the page before as it was."),
    "hook_unknown": ("There is no hook at this address.", "Register the school's hook_url as it is."),
    "idempotency_key_invalid": ("The Idempotency-Key is empty, too long or unprintable.", "Send a UUID."),
    "idempotency_key_reused": (
        "The Idempotency-Key was used for another body.",
        "Use a new key for a new submission; the same key is only for sending the same again.",
    ),
    "internal_error": (
        "Something went wrong on our side.",
        "Send it again, with the same Idempotency-Key where it is a submission; report the X-Request-Id.",
    ),
    "key_invalid": ("The key cannot be made as asked.", "The findings say why."),
    "key_lacks_scope": ("The key has not the scope that the call needs.", "Use a key that has it."),
    "key_malformed": ("The key does not look like one of ours.", "Keys begin with wbk_: copy it again, whole."),
    "key_missing": ("The call carries no key.", "Send Authorization: Bearer wbk_…"),
    "key_revoked": ("The key was revoked.", "Ask for a new one."),
    "key_unknown": ("There is no such key.", "Check that it is one of this service."),
    "method_not_allowed": ("The path is there, but not for this method.", "The Allow header names those that are."),
    "parameter_invalid": ("A parameter has a value that cannot be used.", "The findings name it."),
    "parameter_unknown": ("There is no parameter of this name.", "Check its spelling; see /docs."),
    "route_unknown": ("There is nothing at this path.", "See /docs for what there is."),
    "school_account_exists": (
        "Another school is registered with this account at the provider.",
        "Use that school: two for one MIS could not keep their marks in order.",
    ),
    "school_exists": ("A school of this id is registered already.", "Change it with PATCH, or send another id."),
    "school_invalid": ("The school's entry has errors.", "The findings say which."),
    "school_not_allowed": ("The key may not touch this school.", "Use a key that has this school."),
    "school_unknown": ("No school of this id is registered.", "GET /v1/schools lists those that there are."),
    "stopping": ("This process is about to stop.", "Send it again: another one answers."),
    "store_unavailable": ("The database cannot be reached just now.", "Send it again after Retry-After seconds."),
    "submission_invalid": (
        "The submission cannot be read as one, or records of it cannot be sent; nothing of it was kept.",
        'Mend what the findings name, or send "on_invalid": "skip" to keep the good ones.',
    ),
    "too_many_waiting": (
        "More submissions arrive than can be stored.",
        "Send it again after Retry-After seconds, with the same Idempotency-Key.",
    ),
    "webhook_unreadable": ("The webhook is not of the form that Wonde's document shows.", "Look at what is sent."),
    "writeback_unknown": ("There is no such writeback that the key may see.", "Check the id and the key's app."),
}


def explanation_of(code: str) -> Explanation | None:
    """Return what is to be said of an error's or a finding's code; None for one that nobody uses."""
    if code in _OURS:
        return Explanation(code, *_OURS[code])
    entry = CATALOGUE.get(code)
    if entry is None:
        return None
    wordings = tuple(f"“{wording.text}” ({wording.source})" for wording in entry.wordings.values())
    return Explanation(code, entry.message, entry.hint, wordings)


def page_of(explanation: Explanation) -> str:
    """Return the explanation as a small page; what stands in braces is filled in where it happens."""
    said = "".join(f"<li>{escape(wording)}</li>" for wording in explanation.wordings)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{escape(explanation.code)}</title>"
        "<style>body{font:1rem/1.5 system-ui;max-width:42rem;margin:3rem auto;padding:0 1rem}</style>"
        f"<h1><code>{escape(explanation.code)}</code></h1>"
        f"<p>{escape(explanation.meaning)}</p><h2>What to do</h2><p>{escape(explanation.remedy)}</p>"
        + (f"<h2>In the provider's words</h2><ul>{said}</ul>" if said else "")
    )
