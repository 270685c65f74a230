"""Whose report or erasure it is: a user id from standard input, never an argument, which everybody here could read."""

import sys

import typer

from telemetry_platform.errors import ConfigurationError


def user_id() -> str:
    """One line of standard input, without its end: every other character is part of the id."""
    text = typer.prompt("User id", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    found = str(text).removesuffix("\n").removesuffix("\r")
    if not found or "\n" in found:
        raise ConfigurationError("standard input must hold one user id, on one line")
    return found
