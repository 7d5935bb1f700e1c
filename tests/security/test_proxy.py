"""`deploy/nginx.conf` before a real API: run where nginx is installed, compared with our settings everywhere."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.crash.suite import free_port
from tests.security.conftest import PATIENCE_S, SECRET_KEY, Attacked, StartApi
from writeback.core.clock import SystemClock
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.flow.engine.hook_urls import account_hook_token

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
TOKEN = account_hook_token(SecretBox(SECRET_KEY), "wonde")

needs_nginx = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")


def _said(directive: str) -> list[str]:
    return re.findall(rf"^\s*{directive} ([^;]+);", CONFIGURATION.read_text(), re.MULTILINE)


def test_the_proxy_lets_go_of_connections_before_we_do() -> None:
    (upstream, _) = _said("keepalive_timeout")

    assert int(upstream.removesuffix("s")) < Settings().api.keep_alive_s


def test_the_proxy_takes_what_we_take_so_that_it_is_we_who_refuse() -> None:
    settings = Settings()
    usual, hook, file = (int(size.removesuffix("m")) * 1024**2 for size in _said("client_max_body_size"))

    assert usual > settings.api.max_body_bytes
    assert hook > settings.api.max_hook_bytes
    assert file > settings.batches.max_file_bytes + 64 * 1024


@dataclass
class Proxied:
    """nginx, and the API behind it."""

    api: Attacked
    port: int
    folder: Path

    def client(self) -> httpx.Client:
        """Return a client whose address is not the proxy's."""
        outside = httpx.HTTPTransport(verify=False, local_address="127.0.0.2")
        return httpx.Client(base_url=f"https://127.0.0.1:{self.port}", transport=outside)

    def logs(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@pytest.fixture(scope="module")
def proxied(start_api: StartApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """nginx with our configuration; only its addresses and folders are changed."""
    api = start_api(trusted_proxies=["127.0.0.1/32"], max_per_address=5)
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    _make_certificate(folder)
    text = CONFIGURATION.read_text()
    for said, here in {
        "127.0.0.1:8400": f"127.0.0.1:{api.settings.api.port}",
        "listen 80": f"listen 127.0.0.1:{free_port()}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/writeback": str(folder),
        "/var/log/nginx": str(folder),
    }.items():
        assert said in text
        text = text.replace(said, here)
    (folder / "writeback.conf").write_text(text)
    temporary = "".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = folder / "nginx.conf"
    http = f"http {{ {temporary} include {folder}/writeback.conf; }}"
    main.write_text(f"daemon off; master_process off; pid {folder}/pid; events {{}} {http}")
    command = [NGINX, "-e", str(folder / "start.log"), "-p", str(folder), "-c", str(main)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Proxied(api, port, folder)
    finally:
        process.terminate()
        process.wait(10)


@needs_nginx
def test_an_app_is_served_through_the_proxy_and_inner_pages_are_not(proxied: Proxied) -> None:
    key = proxied.api.key("read")
    with proxied.client() as client:
        assert client.get("/v1/writebacks", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert client.get("/metrics").status_code == 404
        assert client.get("/readyz").status_code == 404
        refused = client.post("/v1/writebacks/resubmit", content=b"x" * 10_000_001, headers=_bearer(key))
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


@needs_nginx
def test_events_come_through_the_proxy_as_they_happen(proxied: Proxied) -> None:
    headers = _bearer(proxied.api.key("read"))
    with proxied.client() as client, client.stream("GET", "/v1/events", headers=headers, timeout=5) as stream:
        assert stream.status_code == 200
        assert next(stream.iter_raw())  # the stream stays open, and so would what a buffer holds


@needs_nginx
def test_an_address_that_a_caller_writes_itself_gives_no_room_behind_the_proxy(proxied: Proxied) -> None:
    with ExitStack() as streams:
        for number in range(5):
            headers = {**_bearer(proxied.api.key("read")), "X-Forwarded-For": f"10.0.0.{number}"}
            stream = streams.enter_context(proxied.client()).stream("GET", "/v1/events", headers=headers)
            assert streams.enter_context(stream).status_code == 200

        with proxied.client() as client:
            refused = client.get("/healthz", headers={"X-Forwarded-For": "10.0.0.99"})

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_of_address")


@needs_nginx
def test_neither_a_hooks_address_nor_a_query_is_in_a_log_of_the_proxy(proxied: Proxied) -> None:
    with proxied.client() as client:
        assert client.post(f"/hooks/wonde/{TOKEN}?id=req_secret", content=b"{").status_code == 400
        assert client.post(f"/hooks/wonde/{TOKEN}", content=b"x" * 2_000_000).status_code == 413
        assert client.get("/nothing?student=A1921160062").status_code == 404

    until = time.monotonic() + PATIENCE_S
    while "/nothing" not in proxied.logs():
        assert time.monotonic() < until
    assert "/hooks/wonde/... 400" in proxied.logs()
    for secret in (TOKEN, TOKEN.partition("~")[2], "req_secret", "A1921160062"):
        assert secret not in proxied.logs()


def _make_certificate(folder: Path) -> None:
    """Write a certificate of an hour, signed by itself, as nginx is told to find it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
