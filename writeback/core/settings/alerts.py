"""Settings of alerts: when somebody is told without looking, and the mail server that takes the messages."""

from datetime import time
from enum import StrEnum

from pydantic import BaseModel, Field


class MailSecurity(StrEnum):
    """How the mail server is spoken to."""

    STARTTLS = "starttls"
    """Plainly at first, then encrypted; a server that cannot is not used."""
    TLS = "tls"
    """Encrypted from the beginning, usually at port 465."""
    NONE = "none"
    """Never encrypted: only for a server on this machine or in your own network."""


class MailSettings(BaseModel):
    """The mail server for alerts; none without a host."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65_535)
    security: MailSecurity = MailSecurity.STARTTLS
    user: str = ""
    """Empty: the server asks for no sign-in."""
    password: str = Field(default="", repr=False)
    sender: str = ""
    """The address that alerts come from, e.g. `writeback@example.org`."""
    timeout_s: float = Field(default=20.0, gt=0)


class AlertSettings(BaseModel):
    """When somebody is told without looking. Whom, says `writeback alerts` or the console's page Alerts."""

    every_s: float = Field(default=15.0, gt=0)
    """How often a worker looks whether there is anything to tell."""
    held_after_s: float = Field(default=60.0, ge=0)
    """How long a school is held, or left alone because it does not answer, until somebody is told."""
    silent_after_s: float = Field(default=600.0, ge=0)
    """How long writebacks wait without being sent, or without evidence that they are in the MIS."""
    decide_after_s: float = Field(default=3_600.0, ge=0)
    """How long writebacks wait for a person's decision."""
    webhook_after_s: float = Field(default=1_800.0, ge=0)
    """How long nothing gets through to an app's webhook. One that is disabled is told at once."""
    worker_after_s: float = Field(default=60.0, ge=0)
    """How long a worker has said nothing, or has not swept; or how long there has been none."""
    over_after_s: float = Field(default=120.0, ge=0)
    """How long nothing is amiss any more until an incident is over: what comes and goes is told once."""
    retry_after_s: list[float] = [10, 60, 300, 1_800, 7_200]
    """The wait after each failed attempt to tell somebody; after the last one the message is given up."""
    report_at: list[time] = [time(10, 0), time(14, 30)]
    """When whoever wants reports is told, on each receiver's own clock, how the session went."""
    mail: MailSettings = MailSettings()
