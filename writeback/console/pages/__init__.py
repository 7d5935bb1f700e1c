"""The pages, a module for each subject. To add one: its module here, and a line in the menu."""

from writeback.console.page import Pages
from writeback.console.pages import (
    alerts,
    audit,
    bulks,
    changes,
    correct,
    holds,
    now,
    people,
    pupils,
    reports,
    retention,
    schools,
    signals,
    unsent,
    words,
    writeback,
    writebacks,
)
from writeback.console.pages.administration import app, apps, staff, staff_accounts, webhook_changes, webhooks
from writeback.console.pages.batches import batches, review, understanding, upload
from writeback.console.pages.settings import connection, registration
from writeback.console.pages.settings import records as settings_of_records
from writeback.console.pages.signing_in import account, openid, second_factor, sign_in

ROOMS: tuple[Pages, ...] = (
    now.pages,
    writebacks.pages,
    writeback.pages,
    correct.pages,
    changes.pages,
    registration.pages,
    schools.pages,
    connection.pages,
    holds.pages,
    words.pages,
    settings_of_records.pages,
    people.pages,
    pupils.pages,
    upload.pages,
    review.pages,
    understanding.pages,
    batches.pages,
    bulks.pages,
    reports.pages,
    signals.pages,
    apps.pages,
    app.pages,
    webhook_changes.pages,
    webhooks.pages,
    alerts.pages,
    audit.pages,
    retention.pages,
    sign_in.pages,
    unsent.pages,
    openid.pages,
    account.pages,
    second_factor.pages,
    staff_accounts.pages,
    staff.pages,
)
