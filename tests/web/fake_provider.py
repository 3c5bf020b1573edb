"""Other systems in one small server on this machine: an OpenID provider, 企业微信 and 钉钉, as their papers describe.

It answers what it is asked by the addresses of all three. `trouble` makes it misbehave.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET, CORP, AGENT = "gongzhi-test", "s3cret", "wwcorp", "1000002"


@dataclass
class Grant:
    """A code handed out: for whom, to which address, with which challenge and nonce."""

    who: str
    redirect_uri: str
    challenge: str = ""
    nonce: str = ""


@dataclass
class Provider:
    """who: whom the person in front of the other system's page is. asked: the paths that were called."""

    address: str = ""
    who: str = "zhang.san"
    trouble: str = ""
    grants: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def grant(self, given: dict[str, str]) -> str:
        """Agree, as the person would on the page: the address to come back to, with a code."""
        code = secrets.token_urlsafe(8)
        self.grants[code] = Grant(
            self.who, given["redirect_uri"], given.get("code_challenge", ""), given.get("nonce", "")
        )
        return f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}"

    def id_token(self, grant: Grant) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://elsewhere.example" if self.trouble == "issuer" else self.address,
            "aud": "another" if self.trouble == "audience" else CLIENT,
            "sub": grant.who,
            "exp": now - 10 if self.trouble == "expired" else now + 300,
            "iat": now,
            "nonce": "stale" if self.trouble == "nonce" else grant.nonce,
        }
        key = rsa.generate_private_key(65537, 2048) if self.trouble == "signature" else self.key
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})

    def jwks(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "k1", "alg": "RS256", "use": "sig"}]}

    # What each address answers: (status, object)

    def answer(self, path: str, given: dict[str, str], headers: Any) -> tuple[int, Any]:
        self.asked.append(path)
        if self.trouble == "down":
            return 503, {"error": "maintenance"}
        match path:
            case "/.well-known/openid-configuration":
                here = self.address
                return 200, {
                    "issuer": here,
                    "authorization_endpoint": f"{here}/authorize",
                    "token_endpoint": f"{here}/token",
                    "userinfo_endpoint": f"{here}/userinfo",
                    "jwks_uri": f"{here}/jwks",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                }
            case "/jwks":
                return 200, self.jwks()
            case "/token":
                return self.token(given)
            case "/userinfo":
                who = self.tokens.get(headers.get("Authorization", "").removeprefix("Bearer "))
                return (200, {"sub": who, "employee": f"no-{who}"}) if who else (401, {})
            case "/cgi-bin/gettoken":
                if (given.get("corpid"), given.get("corpsecret")) != (CORP, SECRET):
                    return 200, {"errcode": 40001, "errmsg": "invalid credential"}
                return 200, {"errcode": 0, "access_token": "app-token", "expires_in": 7200}
            case "/cgi-bin/auth/getuserinfo":
                return 200, self.wecom(given)
            case "/v1.0/oauth2/userAccessToken":
                grant = self.grants.pop(given.get("code", ""), None)
                if grant is None or given.get("clientSecret") != SECRET:
                    return 400, {"code": "invalidParameter", "message": "authCode"}
                token = secrets.token_urlsafe(8)
                self.tokens[token] = grant.who
                return 200, {"accessToken": token, "refreshToken": "r", "expireIn": 7200, "corpId": CORP}
            case "/v1.0/contact/users/me":
                if self.trouble == "permission":
                    return 403, {"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied"}
                who = self.tokens.get(headers.get("x-acs-dingtalk-access-token", ""))
                return (200, {"nick": "张三", "openId": f"o-{who}", "unionId": who}) if who else (401, {})
        return 404, {}

    def token(self, given: dict[str, str]) -> tuple[int, Any]:
        grant = self.grants.pop(given.get("code", ""), None)
        if grant is None or (given.get("client_id"), given.get("client_secret")) != (CLIENT, SECRET):
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != grant.challenge:
            return 400, {"error": "invalid_grant", "error_description": "PKCE"}
        if given.get("redirect_uri") != grant.redirect_uri:
            return 400, {"error": "invalid_grant"}
        token = secrets.token_urlsafe(8)
        self.tokens[token] = grant.who
        return 200, {"access_token": token, "token_type": "Bearer", "id_token": self.id_token(grant)}

    def wecom(self, given: dict[str, str]) -> dict[str, Any]:
        if given.get("access_token") != "app-token":
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        if self.trouble.isdigit():
            return {"errcode": int(self.trouble), "errmsg": "…"}
        grant = self.grants.pop(given.get("code", ""), None)
        if grant is None:
            return {"errcode": 40029, "errmsg": "invalid code"}
        return {"errcode": 0, "openid": "o"} if self.trouble == "stranger" else {"errcode": 0, "userid": grant.who}


@contextmanager
def running() -> Iterator[Provider]:
    """The server, on a free port of this machine, as long as the block lasts."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path in {"/authorize", "/wwlogin/sso/login", "/oauth2/auth"}:
                self.send_response(302)
                self.send_header("Location", provider.grant(given))
                self.end_headers()
                return
            self.tell(*provider.answer(parts.path, given, self.headers))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if "json" in self.headers.get("Content-Type", ""):
                given = json.loads(body)
            else:
                given = {name: values[0] for name, values in parse_qs(body).items()}
            self.tell(*provider.answer(urlsplit(self.path).path, given, self.headers))

        def tell(self, status: int, told: Any) -> None:
            body = b"<html>not json" if provider.trouble == "gibberish" else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
