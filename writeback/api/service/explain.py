"""What each code means, for the pages that `type` in a problem points to: our own errors, and every finding."""

from dataclasses import dataclass
from html import escape

from validators import CATALOGUE
from writeback.batches.findings import TEXTS as FILE_TEXTS
from writeback.providers.registry import PROVIDERS


@dataclass(frozen=True)
class Explanation:
    """`wordings`: the providers' own words, with their source."""

    code: str
    meaning: str
    remedy: str
    wordings: tuple[str, ...] = ()


_OURS = {
    "bulk_unknown": (
        "There is no such bulk job, or it is about schools that you do not see.",
        "Look at the list of bulk jobs in the console.",
    ),
    "resend_one_by_one": (
        "What creates something may be in the MIS already, and would be there twice if many were sent again at once.",
        "Look in the MIS, then settle each by itself.",
    ),
    "person_of_several_schools": (
        "A pupil or member of staff is named by id without a school, and writebacks of several schools are found: the "
        "same id is another person at each.",
        "Name the school too.",
    ),
    "school_ambiguous": (
        "Several schools have this id at the provider.",
        "Use our own id of the school in the path, or a key that is limited to one of them.",
    ),
    "sign_in_refused": (
        "The name or the password is wrong, or there were too many tries.",
        "Try again after a while; whoever looks after the service can set a new password.",
    ),
    "sign_in_outdated": ("The code came too long after the password, or the account has changed.", "Sign in again."),
    "code_refused": (
        "The code of the second factor is wrong, or was used before.",
        "Wait for the next one, or give a recovery code.",
    ),
    "password_refused": ("The password is wrong.", "Try again."),
    "second_factor_in_use": ("The second factor is in use, or is not being set up.", "Load the page again."),
    "staff_exists": ("There is an account of that name.", "Choose another name, or change that account."),
    "staff_invalid": ("The account cannot be made or changed as it was asked.", "The message says what to change."),
    "staff_unknown": ("There is no such account.", "`writeback staff list` shows those that there are."),
    "school_missing": ("The report needs a school.", "Choose one."),
    "rate_limited": (
        "The app calls faster than it may.",
        "Wait as long as Retry-After says; send several records in one submission.",
    ),
    "too_many_connections": ("The server has as many connections open as it may.", "Try again in some seconds."),
    "too_many_of_address": (
        "Your address has as many connections or calls open as it may.",
        "Use connections again instead of opening new ones; whoever looks after the service can raise the limit.",
    ),
    "headers_too_large": ("The first line or the headers are too long or too many.", "Send what is long in the body."),
    "headers_late": ("The request's headers did not arrive in time.", "Send the request at once."),
    "body_late": ("The request's body came too slowly, or stopped.", "Send it again; look at the network."),
    "request_malformed": ("What came is no request of HTTP/1.1.", "Use a client of HTTP, and the right port."),
    "cancelled_already": ("The writeback is cancelled already.", "There is nothing to do."),
    "changed_meanwhile": ("The writeback changes while it is looked at.", "Look at it again, and repeat the call."),
    "edits_invalid": ("An edit is of no record, or of one twice.", "The findings name it; indexes begin with 0."),
    "may_be_in_mis": (
        "It was cancelled while nobody knew whether it had arrived, and must not be there twice.",
        'Look in the MIS; if it is not there, resubmit it with "not_in_mis": true.',
    ),
    "not_cancellable": (
        "Nothing of the writeback waits: all of it has left, or it is over.",
        "Wait until it has settled; what is in the MIS is taken back by a new writeback.",
    ),
    "not_resubmittable": (
        "The writeback is none that can be sent again: it is on its way, in the MIS, or replaced by a later one.",
        "Only what is failed, partial, cancelled or expired is resubmitted; for the rest send a new writeback.",
    ),
    "nothing_to_resolve": (
        "The writeback, or the record, does not need attention.",
        "Its timeline says what has become of it; somebody may have settled it already.",
    ),
    "nothing_to_check": (
        "No evidence of the writeback is awaited: it has not left yet, or has settled.",
        "The detail says which; what is sent or unknown can be checked.",
    ),
    "answer_not_kept": (
        "Nothing is kept of what the provider answered to that request.",
        "Only the last answer to a request that failed is kept, where there was one, and for a while only.",
    ),
    "answer_sealed_otherwise": (
        "The answer was sealed with another secret key.",
        "It can be read only with the key of that time; it is deleted like all others.",
    ),
    "mis_id_needed": (
        "Several things in the MIS are nearly what the record says, and the call does not say which one it has made.",
        "Look in the MIS, and name the one by the record's index in mis_ids.",
    ),
    "mis_id_taken": (
        "What is named in mis_ids is known to have been made by another record.",
        "Look in the MIS for the one that this record has made; if there is none, resolve it as resend.",
    ),
    "record_not_editable": (
        "The record is confirmed, replaced, or was never accepted.",
        "Edit only what failed, was cancelled or never left; for others send a new writeback.",
    ),
    "account_not_yours": (
        "The key is limited to some schools, and would have our own account with the provider serve another.",
        "Give the school credentials of its own, or use a key without a list of schools.",
    ),
    "address_not_named": (
        "The key is limited to some schools, and would lead one to a host that the settings do not name.",
        "Use a key without a list of schools, or have the host named in the provider's HOSTS setting.",
    ),
    "account_token_missing": ("There is no token of our own account with the provider.", "Set the one that is named."),
    "app_not_allowed": ("The key is not one of this app.", "Leave app out, or use a key of that app."),
    "app_unknown": ("There is no such app that the key may see.", "Make it a key: POST /v1/keys."),
    "batch_cancelled": ("The batch was cancelled, and its rows are deleted.", "Upload the file again."),
    "batch_changed": (
        "The file in review was changed by somebody else meanwhile.",
        "Look at it again, and do what is still to be done.",
    ),
    "school_ids_change": (
        "The school has moved to another MIS, and its new lists have not all been fetched.",
        "Try again once its lists have been fetched; a file from before the move is uploaded again.",
    ),
    "batch_not_in_review": (
        "The file is not in review: it has been sent, or was not uploaded with review=true.",
        "Upload a file with review=true to look at it before it is sent.",
    ),
    "batch_nothing_to_send": ("The file in review has no good row.", "Mend rows or confirm its columns; or cancel it."),
    "batch_file_gone": (
        "The file is deleted, because somebody whom it may name was erased.",
        "Its rows can be mended and sent as they are; or upload it again.",
    ),
    "batch_invalid": ("The school does not take files of this kind.", "The findings say why."),
    "batch_not_checked": ("The file is still being worked through.", "Ask again in a moment."),
    "batch_not_cancellable": (
        "The batch cannot be stopped: its file is still arriving, or it has ended.",
        "Break the upload off; what an ended batch has queued is cancelled with the filter batch.",
    ),
    "batch_refused": ("The file was refused as a whole.", "Its findings say why; mend it and upload it again."),
    "batch_unknown": ("There is no such batch that the key may see.", "Check the id and the key's app."),
    "batches_too_many": ("The app has as many files under way as it may.", "Send this one when one of them is done."),
    "body_invalid": ("Fields of the body are missing, wrong or unknown.", "The findings name each field."),
    "body_not_json": ("The body is not JSON.", "Send one JSON object in UTF-8."),
    "body_not_object": ("The body is JSON, but no object.", "Send one JSON object."),
    "body_not_utf8": ("The body is not UTF-8.", "Encode the JSON as UTF-8."),
    "body_too_large": ("The body is longer than this service takes.", "Send it in parts."),
    "body_too_many_values": (
        "The body holds more values than this service reads at once.",
        "Send it in parts: each value of a list or an object counts, and a comma in a text does too.",
    ),
    "body_unreadable": ("The body cannot be read.", "Send JSON in UTF-8."),
    "callback_unreadable": ("The callback is not of the form that Xporter's document shows.", "Look at what is sent."),
    "cell_too_long": ("The cell's text is too long.", "Send a shorter text."),
    "code_unknown": ("There is no page about this code.", "The answer's own detail and hint say most."),
    "column_not_there": ("The file has no such column.", "Name columns as spreadsheets do: A, B, …"),
    "columns_not_there": ("The file has no columns: it is NDJSON.", "Only CSV and XLSX have."),
    "content_forgotten": (
        "What the writeback said has been deleted for its age.",
        "Submit it as a new writeback, if it is still to be written.",
    ),
    "content_type_unsupported": ("The Content-Type is not JSON.", "Send application/json."),
    "cursor_invalid": ("The cursor was not made by this service.", "Send next_cursor of the page before as it was."),
    "delivery_unknown": ("The webhook has no such delivery, or it has been forgotten.", "List its deliveries."),
    "erasure_list_sealed_otherwise": (
        "The key of the erasure list was sealed with a secret key that is not there any more.",
        "Start with the WRITEBACK_SECRET_KEY of that time beside the new one.",
    ),
    "erasure_list_unusable": (
        "The file of the erasure list cannot be read or written, so nothing is erased.",
        "See that WRITEBACK_ERASURE_LIST names a place that the service may write to.",
    ),
    "errors_forgotten": ("The rows of the batch were deleted after their time.", "Upload the file again."),
    "errors_other_format": ("The upload was of another format.", "Get the errors in the format of the upload."),
    "file_empty": ("The file has no rows.", "Put column names first, and a row for each record below them."),
    "file_missing": ("The form has no file in it.", "Send the file as a part with a filename."),
    "file_too_large": ("The file is larger than this service takes.", "Split it into several files."),
    "file_type_unsupported": ("Files of this sort are not taken.", "Send CSV, NDJSON or XLSX."),
    "hold_end_passed": ("The end of the hold has passed.", "Send a moment to come, or leave it out."),
    "hook_is_being_renewed": (
        "The address of the hook was renewed a short while ago, and the one before it is still to work.",
        "Wait until then; or renew it without an overlap, which ends both.",
    ),
    "hook_unknown": ("There is no hook at this address.", "Register the hook's URL as it is."),
    "idempotency_key_invalid": ("The Idempotency-Key is empty, too long or unprintable.", "Send a UUID."),
    "idempotency_key_reused": (
        "The Idempotency-Key was used for another body.",
        "Use a new key for a new submission; the same key is only for sending the same again.",
    ),
    "incident_over": ("The incident is over.", "There is nothing to do."),
    "incident_unknown": (
        "There is no such incident.",
        "`writeback alerts list` shows what is amiss; what was is deleted in time.",
    ),
    "internal_error": (
        "Something went wrong on our side.",
        "Send it again, with the same Idempotency-Key where it is a submission; report the X-Request-Id.",
    ),
    "key_invalid": ("The key cannot be made as asked.", "The findings say why."),
    "key_lacks_scope": ("The key has not the scope that the call needs.", "Use a key that has it."),
    "key_malformed": ("The key does not look like one of ours.", "Keys begin with wbk_: copy it again, whole."),
    "key_missing": ("The call carries no key.", "Send Authorization: Bearer wbk_…"),
    "key_is_test": (
        "The call is about live schools, or about all of them, and this is a test key.",
        "Use a live key; one with the scope admin makes test keys and test schools.",
    ),
    "key_revoked": ("The key was revoked.", "Ask for a new one."),
    "key_rotated": ("The key was rotated, and its old secret works no longer.", "Use the new one."),
    "key_unknown": ("There is no such key.", "Check that it is one of this service."),
    "last_event_id_invalid": ("Last-Event-ID is no id of an event.", "Send the id of the last event that you had."),
    "later_marks_forgotten": (
        "What was accepted after the writeback has been deleted for its age, and may be of the same pupils.",
        "Look in the MIS. If the mark is still to be written, submit it as a new writeback.",
    ),
    "method_not_allowed": ("The path is there, but not for this method.", "The Allow header names those that are."),
    "parameter_invalid": ("A parameter has a value that cannot be used.", "The findings name it."),
    "parameter_unknown": ("There is no parameter of this name.", "Check its spelling; see /docs."),
    "person_unclear": (
        "The call does not say of which one person it is.",
        "Give student_id or employee_id: the provider's own id.",
    ),
    "provider_not_reached": ("The provider does not answer now.", "Send it again after Retry-After seconds."),
    "provider_refuses": ("The provider refuses our own account's token.", "Check the setting that is named."),
    "provider_unknown": ("There is no provider of this name.", f"Send {' or '.join(PROVIDERS)}."),
    "parameter_refused": (
        "A read through a drop-in endpoint asks for something that does not pass there.",
        "Leave the parameter, include, option or column out; docs/dropin.md says what passes.",
    ),
    "read_refused": (
        "This is not read through a drop-in endpoint, or the provider refuses the question.",
        "docs/dropin.md says what may be read; for anything else ask the provider itself.",
    ),
    "read_unknown": ("What was to be read is not there.", "Check the path and the id in it."),
    "reads_off": ("Reads are not passed on here.", "Whoever runs the service sets WRITEBACK_DOORS__READS."),
    "reads_too_many": (
        "As many reads as may be passed on at once are under way.",
        "Send it again after Retry-After seconds, and read fewer lists at once.",
    ),
    "reason_missing": (
        "No reason was given.",
        "Say why: it is kept in the audit log.",
    ),
    "reason_names_person": (
        "The reason names the person, and is kept.",
        "Say why without the id and the name.",
    ),
    "receiver_exists": ("A receiver of alerts has this name.", "Give another name, or remove that one."),
    "receiver_invalid": ("Nobody can be told of alerts so.", "The findings say why."),
    "receiver_unknown": ("There is no such receiver of alerts.", "`writeback alerts receivers` lists them."),
    "record_erased": (
        "What a record said was erased.",
        "Send a new writeback, if it is still to be written.",
    ),
    "record_erased_in_part": (
        "Somebody was taken out of what a record said about others.",
        "Send the record whole, as an edit; or submit it as a new writeback.",
    ),
    "review_or_dry_run": (
        "A file is either looked at before it is sent, or only checked.",
        "Send review or dry_run, not both.",
    ),
    "reviews_too_many": (
        "The app has as many files in review as it may.",
        "Send or cancel one of them: GET /v1/batches?status=reviewing lists them.",
    ),
    "route_unknown": ("There is nothing at this path.", "See /docs for what there is."),
    "schema_unknown": ("There is no schema of this name.", "GET /schemas lists those that there are."),
    "school_account_exists": (
        "Another school is registered with this account at the provider.",
        "Use that school: two for one MIS could not keep their marks in order.",
    ),
    "row_unknown": ("The file has no such row.", "GET /v1/batches/{batch}/rows lists them by their numbers."),
    "mapping_invalid": ("The file cannot be read so.", "The findings say why."),
    "mapping_unknown": ("There is no such mapping that the key may see.", "List them, and check the id."),
    "mends_would_be_lost": (
        "Rows were mended by hand, and the file would be read once more.",
        "Send discard_mends: true if that is meant.",
    ),
    "person_not_listed": (
        "Nobody on the school's list has this id.",
        "Send the provider's id of somebody who is there.",
    ),
    "person_not_named": ("No row of the file names anybody so.", "GET /v1/batches/{batch}/people lists them."),
    "removals_changed": (
        "By now another number of entries waits to be removed from the list than was seen.",
        "Look at the school again, and decide about what it says now.",
    ),
    "school_being_served": (
        "A worker is sending for the school, which is held by now.",
        "Ask again in a minute.",
    ),
    "school_resumed": (
        "Somebody has resumed the school before it was deleted.",
        "Ask again, if it is to be deleted all the same.",
    ),
    "still_waiting": (
        "Writebacks or files are on their way.",
        "Wait until they have ended, or cancel them; even_if_waiting deletes them too.",
    ),
    "taken_at_to_come": (
        "The backup from which the database was restored cannot have been made at a time to come.",
        "Say when it was made.",
    ),
    "taken_at_without_offset": (
        "Without an offset nobody can tell when the backup was made.",
        "Add Z or an offset, e.g. 2026-11-30T02:00:00+00:00.",
    ),
    "no_restore_suspected": (
        "Nothing says that this database was restored: sending continues as usual.",
        "After a restore say `writeback db restored --taken-at` with when the backup was made.",
    ),
    "school_exists": ("A school of this id is registered already.", "Change it with PATCH, or send another id."),
    "school_invalid": ("The school's entry has errors.", "The findings say which."),
    "year_invalid": ("The school's year, or the file that it is in, has errors.", "The findings say which."),
    "year_unclear": ("A school's year is sent as a list or as the text of a file.", "Send `stretches` or `file`."),
    "key_lacks_kind": (
        "The key may not send, change or see writebacks of this kind.",
        "Use a key that has this kind; `detail` says which this key has.",
    ),
    "school_not_allowed": ("The key may not touch this school.", "Use a key that has this school."),
    "school_unknown": ("No school of this id is registered.", "GET /v1/schools lists those that there are."),
    "schools_not_listed": ("The provider does not list its schools.", "Register them one by one."),
    "stopping": ("This process is about to stop.", "Send it again: another one answers."),
    "store_unavailable": ("The database cannot be reached just now.", "Send it again after Retry-After seconds."),
    "people_missed_too_often": (
        "Too many of the people for whom this key asked in an hour were not found, or not alone.",
        "Compare what is sent with the school's MIS, or send the provider's ids; wait as long as Retry-After says.",
    ),
    "people_asked_too_fast": (
        "The key asks for more people in a minute than it may.",
        "Keep the ids that were found, and wait as long as Retry-After says.",
    ),
    "calls_too_many": ("Too many calls of the app are under way.", "Wait for answers before you send more."),
    "bytes_too_many": (
        "The bodies of the app that are under way have too many bytes together.",
        "Send fewer large bodies at once, each with its Content-Length.",
    ),
    "streams_of_app_too_many": (
        "Too many streams of events of the app are open.",
        "Close some; one stream can carry all of an app.",
    ),
    "streams_too_many": ("Too many streams of events are open in this process.", "Try again after Retry-After."),
    "submission_invalid": (
        "The submission cannot be read as one, or records of it cannot be sent; nothing of it was kept.",
        'Mend what the findings name, or send "on_invalid": "skip" to keep the good ones.',
    ),
    "template_unknown": ("There is no template for this kind.", "Send it as NDJSON."),
    "template_unsupported": ("The school does not take this kind.", "Choose another kind."),
    "upload_ended": (
        "The upload was given up, or its school or app removed, before it came to its end.",
        "Send the file once more, faster or in smaller parts.",
    ),
    "texts_forgotten": (
        "Comments and files of the writeback have been deleted for their age.",
        "Send its records whole, as edits; or submit them as a new writeback.",
    ),
    "too_many_waiting": (
        "More submissions arrive than can be stored.",
        "Send it again after Retry-After seconds, with the same Idempotency-Key.",
    ),
    "webhook_disabled": ("The webhook is disabled, so nothing is sent.", 'PATCH it with "enabled": true.'),
    "webhook_invalid": ("The webhook cannot be as asked.", "The findings say why."),
    "webhook_unknown": ("There is no such webhook that the key may look after.", "Check the id and the key's app."),
    "webhook_unreadable": ("The webhook is not of the form that Wonde's document shows.", "Look at what is sent."),
    "webhooks_too_many": ("The app has as many webhooks as it may.", "Remove one, or change one."),
    "word_unknown": ("The list has no such word.", "GET /v1/schools/{school}/words shows those that it has."),
    "words_changed": (
        "Somebody has changed the words since you read them.",
        "Read them again, make your change to what they are now, and send it with that version.",
    ),
    "words_invalid": ("Some of the words could not work; nothing was changed.", "The findings say which, and why."),
    "writeback_unknown": ("There is no such writeback that the key may see.", "Check the id and the key's app."),
}


def explanation_of(code: str) -> Explanation | None:
    """Return what is to be said of an error's or a finding's code; None for one that nobody uses."""
    if code in _OURS:
        return Explanation(code, *_OURS[code])
    if code in FILE_TEXTS:
        return Explanation(code, *FILE_TEXTS[code])
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
