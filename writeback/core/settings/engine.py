"""Settings of what happens after a submission: queue, sending, confirming, lists, files."""

from datetime import time
from typing import Self

from pydantic import BaseModel, Field, model_validator


class QueueSettings(BaseModel):
    poll_delay_s: float = 0.005
    """How often a worker that has jobs looks for more; arq's own half second would be most of the delay."""
    idle_wait_s: float = Field(default=1.0, gt=0, le=5)
    """How long a worker without jobs waits to be woken, until it looks by itself. Below the 10 seconds after which arq
    has to say in Redis again that it lives."""
    max_jobs: int = 128
    """Jobs that one worker process runs at a time. Each takes as many lanes as wait, up to fifty; so many lanes, times
    `dispatch.provider_share`, may wait for one provider's answer."""
    job_timeout_s: int = 60
    """One short timeout for every function: arq keeps a crashed job locked for the longest of them."""
    sync_jobs: int = Field(default=4, ge=0)
    """Schools of one provider whose lists one worker fetches at a time; as many more are asked how they stand. 0: none,
    as with `writeback worker --only registers`."""
    sync_share: float = Field(default=0.2, gt=0, le=1)
    """The most of its event loop that a worker which serves lanes, too, gives to fetching lists and to bulk jobs."""
    sync_timeout_s: int = 240
    """A sync that takes longer is given up and begun again; whose worker died, a minute after this."""
    sweep_every_s: float = 1.0
    watchdog_s: float = Field(default=120.0, ge=0)
    """A worker whose event loop or sweeper makes no progress for so long ends itself; 0: never."""


class DispatchSettings(BaseModel):
    request_timeout_s: float = 25.0
    connect_timeout_s: float = 5.0
    lease_s: float = 40.0
    """Longer than the request timeout, or a slow answer would cost the lane."""
    heartbeat_s: float = 10.0
    gather_s: float = Field(default=0.2, ge=0, le=1)
    """How long what is to be confirmed, and then what confirms it, may wait for others, to be asked about and written
    together. 0: not at all. Nothing that is to be sent waits for it."""
    late_register_s: float = Field(default=60.0, ge=0)
    """A mark that says when it was seen (`observed_at`) and is sent later than this after that is looked for in the MIS
    first: what was entered there meanwhile is left as it is, unless the school's settings say otherwise."""
    max_attempts: int = 12
    split_after: int = Field(default=3, ge=2)
    """How often the same records may be without a clear answer (5xx, timeout), while other requests of the school get
    one, until they are sent in halves, to find the one that the provider cannot take."""
    backoff_base_s: float = 2.0
    backoff_cap_s: float = 300.0
    """A retry waits a random time up to min(cap, base × 2^attempt): full jitter."""
    retry_after_cap_s: float = Field(default=300.0, ge=10)
    """The longest that a provider which asks to be left alone (Retry-After) is; then one request tries."""
    hold_recheck_s: float = 60.0
    """How often a held school is tried again."""
    breaker_failures: int = 5
    """Requests of one school in a row without an answer, after which it is left alone for a while."""
    provider_breaker_failures: int = 20
    """Requests to one provider in a row, of whatever school, without an answer, after which it is left alone."""
    breaker_cooldown_s: float = 20.0
    """How long at first; it doubles each time that the one request which then tries fails too."""
    breaker_cooldown_cap_s: float = 300.0
    provider_share: float = Field(default=0.5, gt=0, le=1)
    """The most of a worker's jobs and connections that one provider may hold, so that one which hangs leaves room."""
    calls_per_s: float = Field(default=0, ge=0)
    """Most calls a second with one token, from one process; 0: no limit."""
    provider_calls_per_s: float = Field(default=0, ge=0)
    """Most calls a second to one provider, from one process; 0: no limit."""
    default_deadline_s: int = 7 * 86_400
    """A writeback without `expires_at` expires after this."""
    connections: int = 200
    """Most connections to all providers together, from one process; one provider may have its share of them."""
    max_answer_bytes: int = Field(default=10_000_000, ge=100_000)
    """Most bytes of one answer of a provider, as it comes and unpacked; a larger one is not read on."""
    kept_answer_bytes: int = Field(default=8_192, ge=0, le=100_000)
    """So much of what a provider answered to a request that failed is kept, sealed, for support; 0: nothing. For how
    long: `retention.provider_answers_days`."""


class ConfirmSettings(BaseModel):
    first_check_s: float = 2.0
    """When to ask a provider that can be polled (Wonde) for the first time; its webhook usually comes first."""
    check_cap_s: float = 120.0
    callback_patience_s: float = Field(default=120.0, gt=0)
    """How long to wait for a callback of Xporter before the MIS is read. What is not there yet is looked for again
    after waits that grow, until Xporter has stopped trying (`xporter.keeps_trying_s`)."""
    give_up_s: float = 86_400.0
    """After this without evidence a person is asked."""
    late_after_s: float = 120.0
    """How long a mark that was sent without an answer may still arrive; a newer one for its slot is read back then."""
    absence_patience_s: float = 1_800.0
    """How long what was to be created or changed may take to show when it is read back: providers read the MIS now
    and then (Xporter every 30 minutes, 2067). Only what is still not there after it may be sent again."""
    drift_sample: float = Field(default=0.01, ge=0, le=1)
    """What part of the confirmed writebacks that set marks is read once more, later, to report what has been changed in
    the MIS since; 0: none."""
    drift_after_s: float = Field(default=3_600.0, ge=0)
    """How long after its confirmation."""


class AuditSettings(BaseModel):
    head_every_s: float = Field(default=3_600.0, ge=0)
    """How often a worker logs the last link of the audit log's chain, where it is another one; 0: never."""


class RestoreSettings(BaseModel):
    compare_creates_s: float = Field(default=172_800.0, ge=0)
    """How long after a restore of the database was announced incidents, detentions and absences that are posted are
    looked for in the MIS before they are sent: apps may post again what the restored database has forgotten."""


class LookupSettings(BaseModel):
    sync_every_s: float = 900.0
    night_from: time = time(19, 0)
    """From then on, on the school's own clock, no lists are fetched but early each morning (`full_from`); nor on a day
    on which its timetable has no lessons. Who needs one nevertheless has it fetched at once."""
    night_until: time = time(7, 0)
    """The same as `night_from`: there is no night."""
    rarely_every_s: float = Field(default=21_600.0, gt=0)
    """How often lists that hardly change are fetched (codes, types and the like), besides the full fetch."""
    full_each_school_day: bool = True
    """Fetch every list from the beginning early each school day, not only what has changed."""
    full_from: time = time(4, 0)
    """The earliest that this is done, on the school's own clock; each school has its own moment, by its id."""
    full_until: time = time(6, 30)
    """The latest. What was missed by then, e.g. because no worker ran, is made up for over the day."""
    lists_at_once: int = Field(default=3, ge=1)
    """How many lists of one school are fetched at a time."""
    miss_patience_s: float = 3.0
    """How long a submission waits for a list to be refreshed before an unknown id is refused."""
    miss_again_after_s: float = 60.0
    """The negative cache: after a refresh that did not help, the list is not refreshed again for so long."""
    miss_full_again_after_s: float = 600.0
    """The same for fetching it from the beginning: an unknown id is refused only by a list that was fetched so within
    this time."""
    removals_share: float = Field(default=0.1, ge=0, le=1)
    """Entries that fall out of a list at once wait for somebody when they are more than this share of it; so do all
    that there are."""
    removals_least: int = Field(default=10, ge=1)
    """Fewer are always taken out at once."""
    lessons_back_days: int = 28
    lessons_ahead_days: int = 14
    """How much of the timetable is kept; a mark for a lesson before or after is refused as unknown."""
    memory_mb: int = Field(default=256, ge=1)
    """How much memory the lists may take that a process keeps, of the schools that it served last: a school of 1,000
    pupils takes about 0.3 MB. The lists of others are read from the database when they are needed, in some 20 ms."""
    stale_after_s: float = 86_400.0
    """Lists older than this are used, with a warning."""
    max_pages: int = Field(default=2_000, ge=1)
    """Most pages of one list; one that goes on is taken for one without end, and the list from before is kept."""
    max_list_bytes: int = Field(default=100_000_000, ge=1_000_000)
    """Most bytes of all pages of one list together."""

    @model_validator(mode="after")
    def _a_day_goes_on(self) -> Self:
        if self.full_from > self.full_until:
            raise ValueError(
                f"lookups.full_from is {self.full_from:%H:%M}, after lookups.full_until, {self.full_until:%H:%M}: "
                "lower WRITEBACK_LOOKUPS__FULL_FROM or raise WRITEBACK_LOOKUPS__FULL_UNTIL"
            )
        return self


class DirectorySettings(BaseModel):
    """Finding people as schools know them, which tells who goes to a school."""

    asked_per_minute: int = Field(default=6_000, ge=1)
    """People that one key may ask for in a minute of one process, in what it submits too; more are answered with
    429."""
    missed_per_hour: int = Field(default=500, ge=1)
    """How often in an hour one key is told that somebody is not found, or not for certain; then 429 for all it asks."""


class BatchSettings(BaseModel):
    """Files of many rows."""

    max_file_bytes: int = Field(default=50_000_000, ge=1)
    """Larger files are answered with 413."""
    max_rows: int = Field(default=100_000, ge=1)
    max_unpacked_bytes: int = Field(default=300_000_000, ge=1)
    """What a workbook may become when it is unpacked; looked at before it is."""
    max_under_way_per_app: int = Field(default=5, ge=1)
    """Files of one app that are being uploaded or worked through; more are answered with 429."""
    served_at_once: int = Field(default=2, ge=1)
    """Files that one worker process works through at a time."""
    served_at_once_per_app: int = Field(default=1, ge=1)
    """How many of these may be of one app: keep it below, and no app's files wait for those of another alone."""
    lease_s: float = Field(default=60.0, gt=0)
    heartbeat_s: float = Field(default=15.0, gt=0)
    give_up_upload_s: float = 3_600.0
    """An upload that has not ended by then is dropped."""
    review_days: float = Field(default=14, gt=0)
    """For so long a file that is looked at before it is sent can be sent; then it is cancelled."""
    max_people_missed: int = Field(default=500, ge=1)
    """People whom one file may name by UPN, number or name who are not found, or not alone; with more it is refused."""
    max_in_review_per_app: int = Field(default=50, ge=1)
    """Files of one app that are looked at: they are kept whole meanwhile; more are answered with 429."""
