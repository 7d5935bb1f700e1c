"""Settings of providers, and of the simulated ones."""

from pydantic import BaseModel, Field

from writeback.core.network.addresses import HostList, HostPattern, pattern_of


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
    calendar_path: str = "/api/v1/School/{estab}/Calendar"
    """Holidays and staff training days of a range of dates (4559)."""
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


class SandboxSettings(BaseModel):
    host: str = "127.0.0.1"
    port: int = 8401
    urls: list[str] = []
    """Where test schools are called, and nobody else is: a `writeback sandbox` of yours, e.g. `https://sandbox:8401`.
    New test schools are at the first one. Empty: there can be no test schools. `writeback dev` has one of its own."""

    @property
    def named_hosts(self) -> HostList | None:
        """The sandboxes' hosts, each at its own port; None: there are none."""
        return HostList(map(pattern_of, self.urls)) if self.urls else None
