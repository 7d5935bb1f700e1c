"""Whose certificates are believed, by whatever makes calls."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """Return the process's context: certifi's authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR.

    Reading them takes 50 ms of CPU, so it is done once, and not for each client.
    """
    return httpx.create_ssl_context()
