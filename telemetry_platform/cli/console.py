"""How commands speak: a line a service with the time it took; where there is a terminal, a spinner while one works."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status  # noqa: TC002  # evaluated: this module keeps its annotations at runtime

out = Console(highlight=False)


class ServiceLines:
    """Shows the supervisor's work; `with ServiceLines() as lines` keeps the spinner from outliving an error."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._working: dict[str, str] = {}

    def __enter__(self) -> Self:
        if out.is_terminal:
            self._status = out.status("")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def working(self, name: str, what: str) -> None:
        """Show that a service is worked on."""
        self._working[name] = what
        self._refresh()

    def done(self, name: str, what: str, seconds: float) -> None:
        """Write the service's line."""
        self._working.pop(name, None)
        out.print(f"  {name:<12} {what:<44} {seconds:6.1f} s", markup=False, soft_wrap=True)
        self._refresh()

    def _refresh(self) -> None:
        if self._status:
            self._status.update(", ".join(f"{what} {name}" for name, what in self._working.items()) or "waiting")
