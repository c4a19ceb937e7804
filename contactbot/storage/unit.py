"""A unit of work: a plain function whose first argument is the transaction."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from contactbot.clock import Clock
from contactbot.storage.transaction import Transaction, done_before

Unit = Callable[..., Any]
# How a unit meets others on PostgreSQL: SERIALIZABLE, or READ COMMITTED for leases, receipts and cursors ("queue").
Mode = Literal["", "queue"]


@dataclass(slots=True)
class Job:
    """A unit on its way through the write door, and what came of it."""

    unit: Unit
    arguments: tuple[Any, ...]
    key: str | None
    outcome: Any = None
    error: BaseException | None = None

    def run(self, tx: Transaction, clock: Clock) -> None:
        """Run the unit once; with a key, only if it has not run before."""
        self.error = None
        try:
            self.outcome = self.unit(tx, *self.arguments) if self.key is None else self._run_once(tx, self.key, clock)
        except StopIteration as error:  # a future cannot carry it, and its caller would wait for ever
            raise RuntimeError("the unit asked an iterator for more than it had") from error

    def _run_once(self, tx: Transaction, key: str, clock: Clock) -> Any:  # noqa: ANN401 - the unit's own result
        ran, result = done_before(tx, key)
        if ran:
            return result
        result = self.unit(tx, *self.arguments)
        tx.execute(
            "INSERT INTO done (key, result, at) VALUES (:key, :result, :at)",
            key=key,
            result=json.dumps(result, ensure_ascii=False),
            at=clock(),
        )
        return result
