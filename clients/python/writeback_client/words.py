"""The words that API, client and service share: statuses, events, severities."""

from enum import StrEnum


class Status(StrEnum):
    """Where a writeback is."""

    QUEUED = "queued"
    """Accepted, waits its turn; a retry waits here too, with `next_attempt_at`."""
    HELD = "held"
    """Waits for something outside, with reason and since."""
    SENDING = "sending"
    """A request carrying it is under way, under a lease."""
    SENT = "sent"
    """The provider has taken it; evidence is awaited."""
    UNKNOWN = "unknown"
    """It may or may not have arrived; being settled by read-back."""
    NEEDS_ATTENTION = "needs_attention"
    """Only a person can decide."""
    CONFIRMED = "confirmed"
    """Evidence says that it is in the MIS."""
    PARTIAL = "partial"
    """Some records confirmed, others failed."""
    FAILED = "failed"
    """Refused for good; findings say why and what to do."""
    SUPERSEDED = "superseded"
    """A later writeback for the same slots took its place before it was sent."""
    CANCELLED = "cancelled"
    """Withdrawn before it was sent."""
    EXPIRED = "expired"
    """Its deadline passed before it was sent."""

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset(
    {Status.CONFIRMED, Status.PARTIAL, Status.FAILED, Status.SUPERSEDED, Status.CANCELLED, Status.EXPIRED}
)


class Event(StrEnum):
    """What happens to a writeback."""

    ACCEPTED = "accepted"
    SENDING = "sending"
    SENT = "sent"
    CONTINUED = "continued"
    RETRY = "retry"
    HELD = "held"
    RELEASED = "released"
    IN_DOUBT = "in_doubt"
    NEEDS_PERSON = "needs_person"
    CONFIRMED = "confirmed"
    PARTLY_CONFIRMED = "partly_confirmed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    RESUBMITTED = "resubmitted"


class Remark(StrEnum):
    """What is written into the timeline of a writeback and moves it nowhere."""

    CHANGED_IN_MIS = "changed_in_mis"
    """A mark that was confirmed has another value in the MIS by now."""
    IDS_CARRIED_OVER = "ids_carried_over"
    """The school's ids have changed, and its records say what they said in the new ones."""


class RecordStatus(StrEnum):
    """Where one record is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    NEEDS_ATTENTION = "needs_attention"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    """A person has withdrawn it: it had not left, or nobody could tell what had become of it."""
    REFUSED = "refused"
    """Not accepted: the submission said to skip what is invalid."""


class Severity(StrEnum):
    ERROR = "error"
    """The record cannot be sent."""
    WARNING = "warning"
    """The record is sent; somebody should know."""


class Action(StrEnum):
    """What was done."""

    RESUBMIT = "resubmit"
    CANCEL = "cancel"
    RESOLVE = "resolve"
    CHECK = "check"


class ListName(StrEnum):
    """The lists that a school has."""

    STUDENTS = "students"
    EMPLOYEES = "employees"
    ATTENDANCE_CODES = "attendance_codes"
    LESSONS = "lessons"
    ACHIEVEMENT_ATTRIBUTES = "achievement_attributes"
    BEHAVIOUR_ATTRIBUTES = "behaviour_attributes"
    DETENTION_ATTRIBUTES = "detention_attributes"
    STUDENT_ABSENCE_ATTRIBUTES = "student_absence_attributes"
    EMPLOYEE_ABSENCE_ATTRIBUTES = "employee_absence_attributes"
    CLOSURES = "closures"


TEST_PREFIX = "test_"


class Mode(StrEnum):
    """What a school, an app or a key is for. It never changes."""

    LIVE = "live"
    """Real schools: their MIS is written to."""
    TEST = "test"
    """Trying things out: its requests go to the sandbox, and nowhere else."""

    @classmethod
    def of(cls, some_id: str) -> "Mode":
        """Return the mode of a school or an app: the ids of those for tests begin with `test_`, and no others do."""
        return cls.TEST if some_id.startswith(TEST_PREFIX) else cls.LIVE


class Directory(StrEnum):
    """What is kept of a school's people beside their ids, so that they are found as the school knows them."""

    OFF = "off"
    """Nothing: nobody is found but by id."""
    HASHED = "hashed"
    """Keyed hashes of numbers and names: people are found by them, and nothing of them can be read."""
    NAMED = "named"
    """The same, and names, classes and numbers, sealed: whoever may see names is shown who comes nearest."""


class Match(StrEnum):
    """What looking for a person came to."""

    FOUND = "found"
    UNKNOWN = "unknown"
    """Nobody on the list is so named."""
    AMBIGUOUS = "ambiguous"
    """Several are, or what was given leads to different people."""
    TOO_LITTLE = "too_little"
    """What was given can lead to nobody: a name alone."""
    NOT_KEPT = "not_kept"
    """The school's directory is off, or has not been fetched yet."""
