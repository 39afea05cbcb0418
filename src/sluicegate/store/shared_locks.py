"""Locks in memory that processes share: taken and given back without a system call, and freed when their holder dies.

They are the robust mutexes of POSIX (pthread_mutexattr_setrobust(3)), called in the C library: 0.4 µs for both calls,
where a lock of the file system costs 2 µs. The kernel marks a mutex whose holder was killed; whoever takes it next is
told so. What the lock guards has to be right at every step, then there is nothing to mend.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
from collections.abc import Iterator
from contextlib import contextmanager

from sluicegate.errors import StoreError

LOCK_BYTES = 64  # more than a mutex has on any machine, and a cache line of its own
ATTRIBUTE_BYTES = 64
PROCESS_SHARED, ROBUST = 1, 1  # PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_ROBUST of glibc and musl

_libc = ctypes.PyDLL(None)  # keeps the interpreter lock: letting it go costs more than these calls
lock = _libc.pthread_mutex_lock
"""Take a lock; anything but 0 goes to `recover`."""
unlock = _libc.pthread_mutex_unlock
"""Give a lock back."""

Lock = ctypes.c_void_p


class SharedLocks:
    """Locks side by side in a shared mapping."""

    def __init__(self, memory: mmap.mmap, offset: int, count: int) -> None:
        """Find locks; they are made by `make` once, before anybody takes one."""
        self._anchor = ctypes.c_char.from_buffer(memory, offset)  # keeps the mapping where it is
        first = ctypes.addressof(self._anchor)
        self.locks = [Lock(first + number * LOCK_BYTES) for number in range(count)]

    def make(self) -> None:
        """Make all locks, and free. Nobody else may be using them."""
        attributes = ctypes.create_string_buffer(ATTRIBUTE_BYTES)
        _succeed(_libc.pthread_mutexattr_init(attributes))
        _succeed(_libc.pthread_mutexattr_setpshared(attributes, PROCESS_SHARED))
        _succeed(_libc.pthread_mutexattr_setrobust(attributes, ROBUST))
        for one in self.locks:
            _succeed(_libc.pthread_mutex_init(one, attributes))
        _libc.pthread_mutexattr_destroy(attributes)

    @contextmanager
    def all(self) -> Iterator[None]:
        """Hold every lock. Whoever holds one already must not ask for this."""
        for one in self.locks:
            take(one)
        try:
            yield
        finally:
            for one in self.locks:
                unlock(one)

    def close(self) -> None:
        """Let go of the mapping."""
        self.locks.clear()
        del self._anchor


def take(one: Lock) -> None:
    """Take a lock. Raises StoreError when that cannot be."""
    result = lock(one)
    if result:
        recover(one, result)


def recover(one: Lock, result: int) -> None:
    """Keep a lock that was taken from a dead process; any other result of `lock` is a StoreError."""
    if result != errno.EOWNERDEAD:
        raise StoreError(f"a lock of the shared counters cannot be taken: {errno.errorcode.get(result, result)}")
    _succeed(_libc.pthread_mutex_consistent(one))


def _succeed(result: int) -> None:
    if result:
        raise StoreError(f"this system has no robust locks: {errno.errorcode.get(result, result)}")
