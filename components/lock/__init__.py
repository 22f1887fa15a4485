"""The run lock: one writing run on an environment at a time, held on the environment's own managers."""

from components.lock.holder import Claim, Holder, LockedError, NoLockError
from components.lock.over_ssh import break_locks, holders
from components.lock.run_lock import RunLock

__all__ = ["Claim", "Holder", "LockedError", "NoLockError", "RunLock", "break_locks", "holders"]
