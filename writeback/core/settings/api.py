"""Settings of the API and of whom it serves: streams, webhooks, drop-in endpoints, the console."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, Field


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}: write it like Europe/London") from None
    return name


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
    max_calls_per_app: int = Field(default=1_000, ge=1)
    """Calls of one app under way in one process, without streams of events; more are answered with 429."""
    max_bytes_per_app: int = Field(default=200_000_000, ge=1)
    """Most bytes that the bodies of these calls may have together, by what their headers say; more are answered with
    429. Files are counted for themselves."""
    reads_at_once_per_app: int = Field(default=3, ge=1)
    """Calls of one app that read at a time, of those that only read; more wait their turn. Keep it below the
    connections to the database (`WRITEBACK_DATABASE_POOL_SIZE`): what is left serves the others."""
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
    """The same of one app, or of one person at the console; more are answered with 429."""
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
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "Europe/London"
    """In which times are shown."""
    passwords: bool = True
    """Let people sign in with a password; False: only with OpenID Connect."""
    second_factor: bool = False
    """Whoever signs in with a password must set up a second factor, codes of an authenticator app, before they see
    anything. Without it everybody may."""
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


class DropInSettings(BaseModel):
    """The drop-in endpoints: requests in the shapes of Wonde and Xporter."""

    token_ttl_s: float = Field(default=43_200.0, gt=0)
    """How long a token of the Xporter drop-in endpoint is valid; it ends with its key at any time."""
    sync_wait_s: float = Field(default=10.0, ge=0)
    """How long a synchronous call waits for the writeback's end before it is answered as taken."""
    max_callback_hosts: int = Field(default=50, ge=1)
    """Most hosts that the callbacks of one app may go to."""
    wonde_hosts: list[str] = []
    """Names, with a port where it counts, at which the Wonde drop-in endpoint is served without a prefix and nothing
    else is, e.g. `["wonde.example.org"]`. The first is the domain that it gives as its schools' own."""
    xporter_hosts: list[str] = []
    """The same for the Xporter drop-in endpoint."""
    wonde_port: int = Field(default=0, ge=0, le=65_535)
    """A further port of the API at which the same holds; 0: none."""
    xporter_port: int = Field(default=0, ge=0, le=65_535)
    """The same for the Xporter drop-in endpoint; 0: none."""
    reads: bool = False
    """Answer the reads of an app that writes (pupils' names, lessons, codes, …) from the provider, to keys with the
    scope `mis:read`."""
    reads_at_once: int = Field(default=8, ge=1)
    """Reads that one process passes on at a time; more are answered with 503."""
