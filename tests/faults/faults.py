"""The faults by name, in the order of the table."""

from contactbot.failpoints import Point

KILLED = {
    Point.ARRIVED: "kill -9 when a message has arrived",
    Point.UNDERSTOOD: "kill -9 when it is understood",
    Point.WRITING: "kill -9 in the transaction that keeps it",
    Point.COMMITTED: "kill -9 when it is kept and not acknowledged",
    Point.LEASED: "kill -9 before the answer is handed to the peer",
    Point.TAKEN: "kill -9 when the peer has taken the answer",
    Point.SETTLING: "kill -9 in the transaction that notes so",
    Point.SETTLED: "kill -9 when that is noted",
    Point.ASKED: "kill -9 again, while what the first left is found out",
}
FAILED = {
    Point.ARRIVED: "an unforeseen error when a message has arrived",
    Point.UNDERSTOOD: "an unforeseen error when it is understood",
    Point.WRITING: "an unforeseen error in the transaction that keeps it",
}
ORDER = (*KILLED.values(), *FAILED.values())
