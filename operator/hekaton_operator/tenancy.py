"""One database role for each namespace with missions: its name, its password, how the server is told of it. Pure.

Passwords are derived, so that nothing keeps them and they change with the operator's own. A tenant
knows one of them: the operator's password is stretched first, lest it be guessed from there.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace

from hekaton_operator.settings import Server

LONGEST_ROLE = 63
"""Bytes of an identifier; PostgreSQL cuts off the rest without a word."""
STRETCHED = 100_000
"""Rounds, once a process."""
ROUNDS = 4096
"""Of a SCRAM verifier, as PostgreSQL itself makes it."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A namespace as the database knows it."""

    namespace: str
    role: str
    password: str = field(repr=False)

    def at(self, server: Server) -> Server:
        """The server as this tenant comes to it."""
        return replace(server, user=self.role, password=self.password)


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Knows the tenant of every namespace."""

    database: str
    key: bytes = field(repr=False)

    def tenant(self, namespace: str) -> Tenant:
        digest = hmac.digest(self.key, namespace.encode(), "sha256")
        password = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return Tenant(namespace, role_name(self.database, namespace), password)


def tenancy(server: Server) -> Tenancy:
    salt = f"hekaton tenants of {server.name}".encode()
    key = hashlib.pbkdf2_hmac("sha256", server.password.encode(), salt, STRETCHED)
    return Tenancy(server.name, key)


def role_name(database: str, namespace: str) -> str:
    """Roles belong to the whole server, so the database is part of the name. No namespace has a full
    stop; what is cut off lives on in a hash, after a sign that no namespace has either."""
    whole = f"{database}.{namespace}"
    if len(whole.encode()) <= LONGEST_ROLE:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    room = LONGEST_ROLE - len(digest) - 1
    return f"{whole.encode()[:room].decode(errors='ignore')}~{digest}"


def verifier(tenant: Tenant) -> str:
    """What the server keeps of a password (RFC 5803): it checks with it, and cannot come in with it.
    The salt is derived too: the same password has one verifier."""
    salt = hmac.digest(tenant.password.encode(), b"salt", "sha256")[:16]
    salted = hashlib.pbkdf2_hmac("sha256", tenant.password.encode(), salt, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    text = (base64.b64encode(each).decode() for each in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(ROUNDS, *text)
