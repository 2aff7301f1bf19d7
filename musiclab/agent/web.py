"""The server over HTTP: on this machine as it is, for other machines only with a token."""

from __future__ import annotations

import hmac
import ipaddress
from pathlib import Path

from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from musiclab.agent.jobs import Desk
from musiclab.agent.server import build
from musiclab.errors import RequestError

BODY = 1_000_000  # bytes of a request
SHORTEST = 16  # letters of a token


class Tokens:
    """One token, from a file."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who asks, if it is the token; compared in constant time."""
        if not hmac.compare_digest(token.encode(), self._token):
            return None
        return AccessToken(token=token, client_id="musiclab", scopes=[])


def read_token(path: Path) -> str:
    """The token in a file.

    Raises
    ------
    RequestError
        If it can't be read, or is too short to be safe.
    """
    try:
        token = path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RequestError(f"The token file {path.name!r} can't be read: give a text file that holds one.") from None
    if len(token) < SHORTEST or len(token.split()) != 1:
        raise RequestError(f"A token is one word of at least {SHORTEST} letters: make one with `openssl rand -hex 32`.")
    return token


def is_local(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def http_server(desk: Desk, host: str, port: int, token_file: Path | None) -> MCPServer:
    """The server to run over HTTP.

    Raises
    ------
    RequestError
        If other machines could reach it and there is no token.
    """
    if token_file is None:
        if not is_local(host):
            raise RequestError("Other machines may use the server only with a token: give --token-file FILE.")
        return build(desk)
    url = AnyHttpUrl(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    auth = AuthSettings(issuer_url=url, resource_server_url=url, validate_token_resource=False)
    return build(desk, token_verifier=Tokens(read_token(token_file)), auth=auth)


def run(desk: Desk, host: str, port: int, token_file: Path | None) -> None:
    """Serve until Ctrl-C."""
    server = http_server(desk, host, port, token_file)
    server.run(transport="streamable-http", host=host, port=port, max_request_body_size=BODY)
