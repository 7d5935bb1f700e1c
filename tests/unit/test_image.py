"""What Docker reads: who gets which secret, who can be reached, and what goes into the image."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from writeback.core.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "worker", "migrate", "sandbox")

SETTINGS = "every setting of .env"
DATABASE, KEY = "POSTGRES_PASSWORD", "WRITEBACK_SECRET_KEY"
SECRETS = {
    "api": {SETTINGS, DATABASE, KEY},
    "worker": {SETTINGS, DATABASE, KEY},
    "migrate": {DATABASE},
    "postgres": {DATABASE},
    "sandbox": set(),
    "redis": set(),
}


def _secrets_of(service: dict[str, Any]) -> set[str]:
    named = {name for name in (DATABASE, KEY) if name in str(service)}
    return named | {SETTINGS} if "env_file" in service else named


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_gets_the_secrets_that_it_needs_and_no_other(name: str) -> None:
    assert _secrets_of(SERVICES[name]) == SECRETS[name]


@pytest.mark.parametrize("name", ["api", "worker"])
def test_settings_that_the_containers_depend_on_win_over_those_of_env(name: str) -> None:
    given = SERVICES[name]["environment"]

    assert given["WRITEBACK_API__HOST"] == "0.0.0.0"
    assert given["WRITEBACK_DATA_DIR"] == "/data"
    assert str(given["WRITEBACK_API__PORT"]) == SERVICES["api"]["ports"][0].rpartition(":")[2] == "8400"


def test_every_name_of_the_example_env_is_a_setting_or_of_the_compose_file() -> None:
    names = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.M))
    interpolated = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert names >= interpolated
    assert {name for name in names - interpolated if not _is_setting(name)} == set()


def _is_setting(name: str) -> bool:
    group: Any = Settings()
    for part in name.removeprefix("WRITEBACK_").lower().split("__"):
        if part not in type(group).model_fields:
            return False
        group = getattr(group, part)
    return True


def test_only_api_and_sandbox_are_published_and_to_this_machine_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {
        "api": ["${PUBLISH_API:-127.0.0.1:8400}:8400"],
        "sandbox": ["${PUBLISH_SANDBOX:-127.0.0.1:8401}:8401"],
    }


def test_database_and_redis_are_on_a_network_without_a_way_out_that_the_sandbox_is_not_on() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert {name: service["networks"] for name, service in SERVICES.items()} == {
        "api": ["inside", "outside"],
        "worker": ["inside", "outside"],
        "migrate": ["inside"],
        "sandbox": ["outside"],
        "postgres": ["inside"],
        "redis": ["inside"],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_can_fill_the_memory_or_the_disk_of_the_machine(name: str) -> None:
    service = SERVICES[name]

    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
    assert all("size=" in mount for mount in service.get("tmpfs", []))


def test_redis_refuses_what_does_not_fit_before_its_container_is_killed() -> None:
    command = SERVICES["redis"]["command"]

    assert _megabytes(command[command.index("--maxmemory") + 1]) < _megabytes(SERVICES["redis"]["mem_limit"])
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def _megabytes(size: str) -> int:
    return int(size.rstrip("mb"))


@pytest.mark.parametrize("name", OURS)
def test_ours_run_with_a_root_that_cannot_be_written_and_without_rights(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_image_is_given_what_it_copies_and_neither_secrets_nor_tests() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, flags=re.M) for word in line.split()
    }

    assert copied == {
        "pyproject.toml",
        "requirements.lock",
        "README.md",
        "writeback",
        "validators",
        "schemas",
        "clients",
    }
    assert {path.name for path in ROOT.iterdir() if _reaches_docker(path.name)} == copied


def _reaches_docker(name: str) -> bool:
    """Whether a file or folder of the root is sent to Docker: the last line of .dockerignore that fits it decides."""
    reaches = True
    for line in (ROOT / ".dockerignore").read_text().split():
        if fnmatch(name, line.removeprefix("!")):
            reaches = line.startswith("!")
    return reaches
