"""The platform's own errors: what went wrong, whether trying again can help, and what to do next.

Messages name fields, tables and settings, never values: an exception reaches logs, Dagster and answers.
"""

from __future__ import annotations


class PlatformError(Exception):
    """Root of every error that the platform raises on purpose; its message says what to do next."""


class PermanentError(PlatformError):
    """Trying again gives the same result: a wrong setting, a missing key, a refused statement."""


class TransientError(PlatformError):
    """Trying again may help: a store that does not answer, a lost connection, a full queue."""


class ContractViolationError(PlatformError):
    """What came in, or what a store holds, is not what a contract says."""


class ConfigurationError(PermanentError):
    """A setting is missing or wrong; the message names the environment variable."""


class UnreadyStoreError(PermanentError):
    """A store lacks what this release needs (a table, a column, a right): no event is at fault."""


class RestoredDataError(PermanentError):
    """A database was restored from a backup: it may hold again what was erased since."""


class LeaseLostError(TransientError):
    """Another drain holds the lease: whatever this one still has in hand must not be committed."""


class UnknownOutcomeError(TransientError):
    """A store was told to write and did not confirm it: all, some or nothing of it may be there.

    Sending it again is safe, because entries are recognised by their ids.
    """


class QueueFullError(TransientError):
    """The landing queue has no room; nothing of the request was taken."""


class SlowStatementError(TransientError):
    """A statement took longer than it may: a shorter stretch of time may be answered."""


class StaleKeysError(TransientError):
    """This process has not seen the key list for too long to know which epoch is active."""
