"""Passwords of basic authentication, as they are stored (contract 04.6): hashed, never in clear.

bcrypt takes its time on purpose; it runs in a thread, so that the worker goes on serving.
"""

from __future__ import annotations

import asyncio

import bcrypt
from msgspec.structs import replace

from sluicegate.admin.envelope import Refused
from sluicegate.apidef.session import BasicAuthData, Session
from sluicegate.chain.passwords import BCRYPT_LONGEST_BYTES
from sluicegate.store.tokens import ALGORITHMS, hash_text

BCRYPT = "bcrypt"
BCRYPT_COST = 10


async def with_hashed_password(session: Session, algorithm: str) -> Session:
    """Return the session with its password hashed; an algorithm that nobody knows is bcrypt.

    Raises Refused 400 for a password that bcrypt would cut off.
    """
    password = session.basic_auth_data.password
    if algorithm in ALGORITHMS:
        return replace(session, basic_auth_data=BasicAuthData(hash_text(password, algorithm), algorithm))
    secret = password.encode()
    if len(secret) > BCRYPT_LONGEST_BYTES:
        raise Refused(400, f"basic_auth_data.password is longer than {BCRYPT_LONGEST_BYTES} bytes")
    hashed = await asyncio.to_thread(bcrypt.hashpw, secret, bcrypt.gensalt(BCRYPT_COST, b"2a"))
    return replace(session, basic_auth_data=BasicAuthData(hashed.decode("ascii"), BCRYPT))
