"""Every setting, typed, grouped, read from `WRITEBACK_…` variables (`__` between group and name).

With none set the service runs embedded: SQLite and a Redis server of its own in the data directory.
"""

from collections.abc import Sequence
from datetime import time
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from writeback.core.addresses import LOOPBACK, HostList, HostPattern, is_readable_by_others, pattern_of
from writeback.core.errors import ConfigurationError
from writeback.core.secret_key import HOW_TO_MAKE, checked, key_kept_in
from writeback.core.timings import complaints


class ApiSettings(BaseModel):
    host: str = "127.0.0.1"
    port: int = 8400
    max_body_bytes: int = 10_000_000
    """Larger bodies are answered with 413; enough for a file attached to an incident."""
    max_hook_bytes: int = Field(default=1_000_000, ge=1)
    """The same for what providers send to /hooks, which needs no key."""
    max_records: int = 1_000
    """Most records in one writeback; larger jobs are sent as several."""
    rate_per_s: float = Field(default=2_000, ge=0)
    """Calls a second that one app may make to this process, in the long run; 0: no limit."""
    rate_burst: int = Field(default=10_000, ge=1)
    """Calls that it may make at once."""
    max_waiting_commits: int = 2_000
    """Submissions that may wait for a commit before the API answers 503."""
    key_cache_s: float = 5.0
    """How long a key's rights are remembered; a revoked key may work for so long."""
    idempotency_keep_s: int = 86_400
    same_again_within_s: int = Field(default=600, ge=0)
    """An incident, detention or absence that was accepted so recently is warned of when it comes again; 0: never."""
    trusted_proxies: list[IPv4Network | IPv6Network] = []
    """Networks of proxies whose X-Forwarded-For is believed; of others the address that calls counts."""
    max_connections: int = Field(default=4_000, ge=1)
    """Open connections in one process; more are answered with 503 and closed."""
    max_per_address: int = Field(default=1_000, ge=1)
    """Open connections of one address (of IPv6: one /64); more are answered with 429 and closed. Behind a trusted proxy
    it is requests under way that count, by the address that it names."""
    max_header_bytes: int = Field(default=32_768, ge=1_024)
    """Most bytes of a request's first line and headers; more are answered with 431. Nor may so much come between two
    pieces of a body."""
    max_headers: int = Field(default=100, ge=1)
    """Most headers of a request; more are answered with 431."""
    header_timeout_s: float = Field(default=15.0, gt=0)
    """How long a request's headers may take to arrive, and a new connection to send any; then 408."""
    body_grace_s: float = Field(default=30.0, gt=0)
    """How long a body may take to arrive, and a second more for every `body_min_bytes_per_s` of it; then 408."""
    body_min_bytes_per_s: int = Field(default=1_000, ge=1)
    keep_alive_s: int = Field(default=75, ge=1)
    """How long a connection without a request stays open. Longer than a proxy before us keeps it (nginx and AWS: 60 s),
    or the proxy sends a request into a connection that we have just closed."""
    stalled_after_s: float = Field(default=60.0, gt=0)
    """A caller that takes nothing of its answer for so long is cut off."""


class QueueSettings(BaseModel):
    poll_delay_s: float = 0.005
    """How often an idle worker looks for rings; arq's own half second would be most of the delay."""
    max_jobs: int = 128
    """Lanes that one worker process serves at a time."""
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
    """So much of what a provider answered to a request that failed is kept, sealed, for support; 0: nothing."""
    keep_answers_s: float = Field(default=14 * 86_400, gt=0)
    """For how long."""


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


class ProviderSettings(BaseModel):
    """What the group of every provider has."""

    base_url: str
    """Where schools without an address of their own are called."""
    hosts: list[HostPattern] = []
    """Where else the provider is: only there, and to its addresses here, go our account's credentials, and only there
    may a key that is limited to some schools lead one. `*` stands for letters, digits and hyphens."""

    @property
    def addresses(self) -> dict[str, str]:
        """Every address that credentials go to, by its setting."""
        return {"base_url": self.base_url}

    @property
    def named_hosts(self) -> HostList:
        """Every host that the settings name as the provider's; those of the addresses each at its own port."""
        listed = HostList(self.hosts)
        return HostList([*self.hosts, *(pattern_of(url) for url in self.addresses.values() if url not in listed)])


class RestoreSettings(BaseModel):
    compare_creates_s: float = Field(default=172_800.0, ge=0)
    """How long after a restore of the database was announced incidents, detentions and absences that are posted are
    looked for in the MIS before they are sent: apps may post again what the restored database has forgotten."""


class WondeSettings(ProviderSettings):
    base_url: str = "https://api.wonde.com/v1.0"
    hosts: list[HostPattern] = ["api.wonde.com", "api-*.wonde.com"]
    """Where else Wonde is: the regions' domains (Wonde 12-19). The token below goes only there and to `base_url`, and
    only there may a key that is limited to some schools lead one. `*` stands for letters, digits and hyphens."""
    token: str = Field(default="", repr=False)
    """The application's own token: lists its schools, and serves those without a token of their own."""
    max_records: int = 1_000
    page_size: int = 200


class XporterSettings(ProviderSettings):
    """Paths are printed in no public document; every one is a template here. `{estab}` is filled in."""

    base_url: str = "https://xporter.groupcall.com"
    sts_url: str = "https://login.groupcall.com/idaas/sts/STS/GetToken"
    token_path: str = "/idaas/sts/STS/GetToken"  # noqa: S105 - a path, not a token
    """Where the STS is when a school has a base URL of its own."""
    hosts: list[HostPattern] = []
    """Where else Xporter and its STS are: only there, and to `base_url` and `sts_url`, may a key that is limited to
    some schools lead one. `*` stands for letters, digits and hyphens."""
    relying_party: str = "writeback.example"
    management_secret: str = Field(default="", repr=False)
    """The application's own secret: lists its schools; it gives no access to their data (Xporter 38)."""
    keeps_trying_s: float = Field(default=4_500.0, ge=0)
    """For how long Xporter may still write what it has taken: it tries a school's agent every 5 minutes for an hour
    (14119). Until then what the MIS does not show is not taken for missing."""
    use_async: bool = True
    """Send marks and conduct through the asynchronous endpoints, which Xporter prefers (14288); False: through the
    others (13916, 14174). Detentions have only an asynchronous one."""
    callback_in_list: bool = False
    """Send `Callback` as a list of one object, as the document's schemas have it (13994, 14141, 14262, 14440), not as
    the object of its table (14086) and its examples."""
    attendance_path: str = "/api/v1/Attendance/{estab}/"
    attendance_async_path: str = "/api/v1/AttendanceAsync/{estab}/"
    conduct_path: str = "/api/v1/Writeback/Conduct/{estab}/"
    """Achievements and behaviour (14174); used without `use_async`."""
    conduct_async_path: str = "/api/v1/Writeback/ConductAsync/{estab}/"
    """Achievements and behaviour (14286)."""
    detention_async_path: str = "/api/v1/Writeback/DetentionAsync/{estab}/"
    """Detentions (14488)."""
    entity_attributes_path: str = "/api/v1/Writeback/EntityAttributes/{estab}/"
    """`xporter.raw`, operation EntityAttributes (14663)."""
    gdpr_filter_path: str = "/api/v1/Writeback/GDPRfilter/{estab}/"
    """`xporter.raw`, operation GDPRfilter (14695)."""
    photos_path: str = "/api/v1/Writeback/Photos"
    """`xporter.raw`, operation Photos (14725). Like those below it has no `{estab}` (14729): the token tells."""
    seating_plan_path: str = "/api/v1/Writeback/SeatingPlan"
    """`xporter.raw`, operation SeatingPlan (14742)."""
    tag_definitions_path: str = "/api/v1/Writeback/TagDefinitions"
    """`xporter.raw`, operation TagDefinitions (14759)."""
    tags_path: str = "/api/v1/Writeback/Tags"
    """`xporter.raw`, operation Tags (14776)."""
    user_async_path: str = "/api/v1/Writeback/UserAsync"
    """`xporter.raw`, operation UserAsync (14793)."""
    students_path: str = "/api/v1/School/{estab}/Students"
    staff_path: str = "/api/v1/School/{estab}/Staff"
    attendance_codes_path: str = "/api/v1/School/{estab}/AttendanceCodes"
    timetable_path: str = "/api/v1/School/{estab}/Timetable"
    attendance_for_date_path: str = "/api/v1/School/{estab}/AttendanceForDate"
    conduct_lookups_path: str = "/api/v1/School/{estab}/ConductLookups"
    """Types, activities, roles, … of achievements and behaviour (7406)."""
    achievements_path: str = "/api/v1/School/{estab}/AchievementForDateRange"
    """Achievements of a range of dates, to read back (475)."""
    behaviour_path: str = "/api/v1/School/{estab}/BehaviourForDateRange"
    """Behaviour incidents of a range of dates, to read back (3004)."""
    detentions_path: str = "/api/v1/School/{estab}/Detentions"
    """Detentions of a range of dates, to read back (9274)."""
    detention_lookups_path: str = "/api/v1/School/{estab}/DetentionLookups"
    """Types, locations, reasons, … of detentions (9206)."""
    health_path: str = "/api/v1/School/{estab}/Health"
    scopes_path: str = "/api/v1/Scopes"
    schools_path: str = "/api/XporterOnDemand/GetXodSchools"
    """All schools of the relying party (280); the one path that the document prints."""
    max_records: int = 1_000
    """Most marks in one request."""
    max_conducts: int = Field(default=10, ge=1)
    """Most achievements, incidents or detentions in one request."""
    max_media_bytes: int = 8_000_000
    """Most Base64 of files in one request; one record goes however large it is."""
    page_size: int = 1_000

    @property
    def addresses(self) -> dict[str, str]:
        return {"base_url": self.base_url, "sts_url": self.sts_url}


class LookupSettings(BaseModel):
    sync_every_s: float = 900.0
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
    lease_s: float = Field(default=60.0, gt=0)
    heartbeat_s: float = Field(default=15.0, gt=0)
    give_up_upload_s: float = 3_600.0
    """An upload that has not ended by then is dropped."""
    keep_s: float = 30 * 86_400
    """For how long bad rows are kept, with all that they say; the batch itself and its counts stay."""


class EventSettings(BaseModel):
    """The live streams of events."""

    poll_s: float = 0.25
    """How often a process looks for new events while anybody listens; one look serves all who do."""
    heartbeat_s: float = 15.0
    """A stream without events sends a comment so often, and asks whether its key still holds."""
    stalled_after_s: float = 60.0
    """A reader that takes nothing for so long is cut off; it comes back with Last-Event-ID."""
    max_streams: int = 1_000
    """Open streams in one process; more are answered with 503."""
    max_streams_per_app: int = 200
    recent: int = 5_000
    """Events kept in memory for those who listen; whoever is further behind reads them from SQL."""


class WebhookSettings(BaseModel):
    """Telling apps: where we may call, and how long we try."""

    allow_http: bool = False
    """Also take http:// addresses; only for trying out."""
    allow_private_addresses: bool = False
    """Also call private, loopback and other addresses that are not of the public Internet."""
    allowed_networks: list[IPv4Network | IPv6Network] = []
    """Networks that may be called although they are not public, e.g. `["10.20.0.0/16"]`."""
    timeout_s: float = 15.0
    """For the whole of one delivery."""
    connect_timeout_s: float = 5.0
    retry_after_s: list[Annotated[float, Field(gt=0)]] = [
        5,
        300,
        1_800,
        7_200,
        18_000,
        36_000,
        50_400,
        72_000,
        86_400,
    ]
    """The wait after each failed attempt, as Standard Webhooks recommends; after the last one it is given up."""
    jitter: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """By what part a wait is longer or shorter at random."""
    disable_after_s: float = 5 * 86_400
    """A webhook of which every delivery has failed for so long is disabled."""
    concurrency: Annotated[int, Field(ge=1)] = 10
    """Deliveries to one webhook under way at a time; one while it fails."""
    served_at_once: Annotated[int, Field(ge=1)] = 64
    """Webhooks that one worker process serves at a time."""
    claim_margin_s: float = Field(default=15.0, gt=0)
    """By how much the claim of a delivery outlives the longest attempt; then its worker is taken for dead."""
    old_secret_s: float = 86_400.0
    """For how long a replaced secret signs beside the new one."""
    max_per_app: int = 20
    keep_s: float = 30 * 86_400
    """For how long deliveries that have ended are kept."""


class OidcSettings(BaseModel):
    """Signing in to the console at an OpenID Connect provider; off without an issuer."""

    issuer: str = ""
    """As its discovery document names it, e.g. `https://login.example.org/realms/staff`."""
    client_id: str = ""
    client_secret: str = Field(default="", repr=False)
    """Empty: a public client, which proves itself by PKCE alone."""
    name: str = "your organisation's account"
    """What the button says after "Sign in with"."""
    scopes: list[str] = ["openid", "profile", "email"]
    name_claim: str = "preferred_username"
    """What somebody is called here; unique at the provider."""
    role_claim: str = "groups"
    """The claim that says what somebody may do: a text, or a list of them. A dot leads into an object."""
    roles: dict[str, str] = {}
    """From the claim's values to `viewer`, `support` or `admin`, e.g. `{"writeback-support": "support"}`. Whoever has
    none of these values may not sign in; of several roles the highest holds."""
    schools_claim: str = ""
    """The claim that lists the ids of the schools that somebody sees; empty: everybody sees all."""
    timeout_s: float = 10.0


class ConsoleSettings(BaseModel):
    """The pages for support staff, at `/console`."""

    enabled: bool = True
    public_url: str = ""
    """Where people reach it; empty: as `public_url`. With https the cookies go over nothing else."""
    timezone: str = "Europe/London"
    """In which times are shown."""
    passwords: bool = True
    """Let people sign in with a password; False: only with OpenID Connect."""
    idle_timeout_s: float = Field(default=3_600.0, gt=0)
    """Whoever does nothing for so long is signed out; pages that refresh by themselves do not count."""
    session_s: float = Field(default=43_200.0, gt=0)
    """Whoever signed in so long ago is signed out."""
    tries_per_account: int = Field(default=10, ge=1)
    """Sign-ins of one account that may fail within `tries_forgotten_after_s` from one address, or in a browser in which
    that account has signed in before; then these wait that out."""
    tries_of_strangers: int = Field(default=30, ge=1)
    """The same for one account in all other browsers together, from wherever: what bounds guessing by many."""
    browser_known_s: float = Field(default=15_552_000.0, gt=0)
    """How long a browser counts as one in which somebody has signed in before; each sign-in begins it again."""
    tries_per_address: int = Field(default=50, ge=1)
    """The same for one address, of whatever account; schools and offices share one."""
    tries_forgotten_after_s: float = Field(default=900.0, gt=0)
    trusted_proxies: list[IPv4Network | IPv6Network] = []
    """More of `api.trusted_proxies`, which hold here too."""
    refresh_s: float = Field(default=5.0, ge=1)
    """How often pages that are live ask for what is new."""
    oidc: OidcSettings = OidcSettings()


class DoorSettings(BaseModel):
    """The drop-in doors: what is taken in the shapes of Wonde and Xporter."""

    token_ttl_s: float = Field(default=43_200.0, gt=0)
    """For how long a token of Xporter's door is good; its key's own rights end it at any time."""
    sync_wait_s: float = Field(default=10.0, ge=0)
    """How long a synchronous call waits for the writeback's end before it is answered as taken."""
    max_callback_hosts: int = Field(default=50, ge=1)
    """Most hosts that the callbacks of one app may go to."""
    keep_s: float = 30 * 86_400
    """For how long a request is known by the provider's sort of id, after all of it has ended."""


class SandboxSettings(BaseModel):
    host: str = "127.0.0.1"
    port: int = 8401


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="WRITEBACK_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = Path(".writeback")
    database_url: str = Field(default="", repr=False)
    """`sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`; empty: SQLite in the data directory.

    Never shown: it may hold a password, as may `redis_url`."""
    database_busy_timeout_s: float = Field(default=10.0, gt=0)
    """How long a writer waits for another process that writes to the same SQLite file."""
    database_patience_s: float = Field(default=60.0, ge=0)
    """How long an API or a worker that starts waits for a PostgreSQL that is down."""
    database_pool_size: int = Field(default=5, ge=1)
    """Most connections of one process to PostgreSQL; each is opened when it is needed."""
    database_pool_wait_s: float = Field(default=15.0, gt=0)
    """How long somebody waits for a connection while all are in use, or the server has none left."""
    database_pool_idle_s: float = Field(default=60.0, gt=0)
    """A connection that nobody has used for so long is given back to the server."""
    database_pool_lifetime_s: float = Field(default=1_800.0, gt=0)
    """A connection that is older is replaced before it is used again."""
    database_pooler: Literal["none", "transaction"] = "none"
    """`transaction`: WRITEBACK_DATABASE_URL leads to a pooler that gives a server connection for one transaction at a
    time, as PgBouncer's `pool_mode = transaction`. Then no statement is kept prepared."""
    redis_url: str = Field(default="", repr=False)
    """`redis://…`; empty: a Redis server of our own in the data directory."""
    secret_key: str = Field(default="", repr=False)
    """Encrypts credentials, derives webhook tokens; 32 random characters or more. Empty: made once and kept in the data
    directory."""
    public_url: str = ""
    """Where providers reach us, for callbacks; empty: http://host:port of the API."""
    plain_http_hosts: list[HostPattern] = list(LOOPBACK)
    """Hosts of providers that are called by plain http too, e.g. a sandbox in your own network; all others by https."""
    log_level: str = "INFO"

    api: ApiSettings = ApiSettings()
    queue: QueueSettings = QueueSettings()
    dispatch: DispatchSettings = DispatchSettings()
    confirm: ConfirmSettings = ConfirmSettings()
    restore: RestoreSettings = RestoreSettings()
    lookups: LookupSettings = LookupSettings()
    wonde: WondeSettings = WondeSettings()
    xporter: XporterSettings = XporterSettings()
    batches: BatchSettings = BatchSettings()
    events: EventSettings = EventSettings()
    webhooks: WebhookSettings = WebhookSettings()
    doors: DoorSettings = DoorSettings()
    console: ConsoleSettings = ConsoleSettings()
    sandbox: SandboxSettings = SandboxSettings()

    @model_validator(mode="after")
    def _times_agree(self) -> Self:
        if wrong := complaints(self):
            raise ValueError("; ".join(wrong))
        return self

    @model_validator(mode="after")
    def _providers_are_called_by_https(self) -> Self:
        for name, group in self:
            if isinstance(group, ProviderSettings):
                self.check_addresses(name, group)
        return self

    def check_addresses(self, provider: str, group: ProviderSettings) -> None:
        """Raise ValueError where a provider's settings would have credentials go where others can read them."""
        allowed = HostList(self.plain_http_hosts)
        for name, url in group.addresses.items():
            if is_readable_by_others(url, allowed):
                raise ValueError(
                    f"{provider}.{name} is {url[:100]!r}: send an https:// address, or name its host in "
                    "WRITEBACK_PLAIN_HTTP_HOSTS if credentials may go there unencrypted"
                )

    @property
    def is_embedded(self) -> bool:
        """Whether the database is our own SQLite file."""
        return not self.database_url

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file, our own or another."""
        return self.is_embedded or self.database_url.startswith("sqlite")

    @property
    def trusted_proxies(self) -> Sequence[IPv4Network | IPv6Network]:
        """The networks of proxies whose X-Forwarded-For is believed; API and console are one server."""
        return [*self.api.trusted_proxies, *self.console.trusted_proxies]

    @property
    def effective_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'writeback.db'}"

    @property
    def effective_public_url(self) -> str:
        return (self.public_url or f"http://{self.api.host}:{self.api.port}").rstrip("/")

    @cached_property
    def effective_secret_key(self) -> str:
        """Return the secret key; raise ConfigurationError for a weak one, and when a shared database has none."""
        if self.secret_key:
            return checked(self.secret_key)
        if not self.is_embedded:
            raise ConfigurationError(
                "WRITEBACK_SECRET_KEY is not set: with a database of your own every process needs the same key; "
                f"{HOW_TO_MAKE}"
            )
        return key_kept_in(self.data_dir / "secret.key")
