"""The accounts, course runs and paths of the demo. All of it is made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

ORG = "DemoX"


@dataclass(frozen=True, slots=True)
class Account:
    """An account whose password is its username, so that nobody has to remember it."""

    username: str

    @property
    def email(self) -> str:
        """The address of the account."""
        return f"{self.username}@example.com"

    @property
    def password(self) -> str:
        """The password of the account."""
        return self.username


@dataclass(frozen=True, slots=True)
class Run:
    """A course run."""

    number: str
    name: str
    start: datetime
    end: datetime

    @property
    def key(self) -> str:
        """The key of the run."""
        return f"course-v1:{ORG}+{self.number}+2026"


@dataclass(frozen=True, slots=True)
class Path:
    """A learning path; ``steps`` are numbers of course runs, ``picture`` is one of ``images.PICTURES``."""

    key: str
    name: str
    picture: str
    subtitle: str
    description: str
    level: str
    duration: str
    time_commitment: str
    steps: tuple[str, ...]
    requires: tuple[str, ...]
    teaches: tuple[str, ...]
    required_completion: float
    required_grade: float
    sequential: bool = False
    invite_only: bool = False


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that waits for its owner to register."""

    account: Account
    path_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a learner is in a course run, of which ``number`` is the number.

    Who is not ``enrolled`` any more was so once, and left what they did there.
    """

    username: str
    number: str
    completion: float
    grade: float | None
    enrolled: bool


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    A subscription plan that is current for a year from the day it is made.

    ``colleagues`` have accounts, ``newcomers`` have none yet, and ``leavers`` had a license that was revoked. Of the
    accounts, those of ``LEARNERS`` come on top.
    """

    title: str
    uuid: str
    num_licenses: int
    path_key: str
    colleagues: tuple[str, ...]
    newcomers: int
    leavers: tuple[str, ...]

    @property
    def emails(self) -> list[str]:
        """The addresses that have a license, those of accounts first."""
        owners = [account.email for account in LEARNERS] + [f"{name}@example.com" for name in self.colleagues]
        return owners + [f"newcomer{number:02}@example.com" for number in range(1, self.newcomers + 1)]


STAFF = Account("staff")
LEARNERS = (Account("ana"), Account("ben"), Account("chloe"))

DATA_SCIENCE = "path-v1:DemoX+DS101+2026"
WEB = "path-v1:DemoX+WEB+2026+A"
SECURITY = "path-v1:DemoX+SEC+2026"

INVITATION = Invitation(Account("dan"), DATA_SCIENCE, "Welcome to the demo")

PROGRESS = (
    Progress("ana", "PY101", 0.45, 0.38, enrolled=False),
    Progress("ben", "HTML1", 0.25, None, enrolled=False),
    Progress("chloe", "JS101", 1.00, 0.91, enrolled=True),
    Progress("chloe", "SEC01", 0.70, 0.62, enrolled=True),
)

SUBSCRIPTION = Subscription(
    title="Data team",
    uuid="0b7c1a52-5f0e-4d3c-9a61-2f8f4c1d7e90",
    num_licenses=50,
    path_key=DATA_SCIENCE,
    colleagues=(
        "amara.adeyemi",
        "bilal.bauer",
        "carmen.costa",
        "dmitri.dubois",
        "elif.eriksen",
        "farah.fischer",
        "giulia.garcia",
    ),
    newcomers=20,
    leavers=("hiro.haddad@example.com", "left@example.com"),
)


def _day(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


RUNS = (
    Run("PY101", "Python for Data Work", _day(1, 12), _day(3, 20)),
    Run("STAT1", "Statistics You Will Use", _day(3, 30), _day(6, 5)),
    Run("ML101", "First Steps in Machine Learning", _day(9, 7), _day(12, 11)),
    Run("HTML1", "HTML and CSS from Scratch", _day(2, 2), _day(4, 3)),
    Run("JS101", "JavaScript in the Browser", _day(4, 13), _day(7, 3)),
    Run("SEC01", "Web Security Fundamentals", _day(9, 14), _day(11, 27)),
)

RUN_KEYS = {run.number: run.key for run in RUNS}

PATHS = (
    Path(
        key=DATA_SCIENCE,
        name="Data Science 101",
        picture="demo-data-science.png",
        subtitle="From your first line of Python to a model that you can defend.",
        description="Three courses, taken in order, that lead from programming through statistics to machine learning.",
        level="beginner",
        duration="9 months",
        time_commitment="4 to 6 hours a week",
        steps=("PY101", "STAT1", "ML101"),
        requires=("School mathematics",),
        teaches=("Python", "Statistics", "Machine learning"),
        required_completion=0.80,
        required_grade=0.75,
        sequential=True,
    ),
    Path(
        key=WEB,
        name="Web Development",
        picture="demo-web.png",
        subtitle="Pages that people like to use, built by hand.",
        description="Two courses on what browsers understand. Group A meets on Tuesdays.",
        level="beginner",
        duration="5 months",
        time_commitment="3 to 5 hours a week",
        steps=("HTML1", "JS101"),
        requires=(),
        teaches=("HTML and CSS", "JavaScript"),
        required_completion=0.90,
        required_grade=0.60,
    ),
    Path(
        key=SECURITY,
        name="Web Security",
        picture="demo-security.png",
        subtitle="For teams whose staff invite them: find the holes before others do.",
        description="What can go wrong in a browser and behind it, and how to keep it from happening.",
        level="advanced",
        duration="8 months",
        time_commitment="5 hours a week",
        steps=("JS101", "SEC01"),
        requires=("JavaScript", "HTML and CSS"),
        teaches=("Threat modeling", "Web security"),
        required_completion=1.00,
        required_grade=0.80,
        invite_only=True,
    ),
)

FIRST_NAMES = (
    "Amara", "Bilal", "Carmen", "Dmitri", "Elif", "Farah", "Giulia", "Hiro", "Ines", "Jonas",
    "Keiko", "Liam", "Mei", "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Samir", "Thandi",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Bauer", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad",
    "Ivanova", "Jensen", "Kumar", "Lopez", "Mbeki", "Nguyen", "Okafor",
)  # fmt: skip
