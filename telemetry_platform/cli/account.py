"""Who answers for what a command does: the account that it runs under."""

import getpass
import os


def somebody() -> str:
    """The account's name, or its number."""
    try:
        return f"{getpass.getuser()}, by command"
    except (KeyError, OSError):
        # In a container the account may have no name.
        return f"uid {os.getuid()}, by command"
