"""The pages, a module for each subject. To add one: its module here, and a line in the menu."""

from writeback.console.page import Pages
from writeback.console.pages import (
    account,
    apps,
    audit,
    batches,
    bulks,
    mend,
    now,
    openid,
    reports,
    rings,
    schools,
    sign_in,
    webhooks,
    writeback,
    writebacks,
)

ROOMS: tuple[Pages, ...] = (
    now.pages,
    writebacks.pages,
    writeback.pages,
    mend.pages,
    schools.pages,
    batches.pages,
    bulks.pages,
    reports.pages,
    rings.pages,
    apps.pages,
    webhooks.pages,
    audit.pages,
    sign_in.pages,
    openid.pages,
    account.pages,
)
