"""The pages, a module for each subject. To add one: its module here, and a line in the menu."""

from writeback.console.page import Pages
from writeback.console.pages import (
    account,
    apps,
    audit,
    batches,
    bulks,
    correct,
    now,
    openid,
    reports,
    retention,
    schools,
    second_factor,
    sign_in,
    signals,
    staff,
    webhooks,
    writeback,
    writebacks,
)

ROOMS: tuple[Pages, ...] = (
    now.pages,
    writebacks.pages,
    writeback.pages,
    correct.pages,
    schools.pages,
    batches.pages,
    bulks.pages,
    reports.pages,
    signals.pages,
    apps.pages,
    webhooks.pages,
    audit.pages,
    retention.pages,
    sign_in.pages,
    openid.pages,
    account.pages,
    second_factor.pages,
    staff.pages,
)
