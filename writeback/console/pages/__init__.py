"""The pages, a module for each subject. To add one: its module here, and a line in the menu."""

from writeback.console.page import Pages
from writeback.console.pages import account, now, openid, reports, sign_in

ROOMS: tuple[Pages, ...] = (now.pages, reports.pages, sign_in.pages, openid.pages, account.pages)
