"""The faults by name, in the order of the table."""

from contactbot.demo.gateway import Mishap
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
DOWN = "the mail relay is down for long"
GIVEN_UP = "the mail relay is down for longer than `delivery.give_up_after`"
DIED = "the mail relay takes the mail and dies before its 250"
RESTARTED = "the XMPP server is killed while an answer waits, and comes back"
TWILIO = {
    Mishap.RATE_LIMITED: "Twilio answers 429",
    Mishap.BROKEN: "Twilio answers 500",
    Mishap.BROKEN_TAKEN: "Twilio answers 500 and has taken the text",
    Mishap.HANGS: "Twilio never answers",
    Mishap.HANGS_TAKEN: "Twilio never answers and has taken the text",
    Mishap.DROPS: "Twilio's connection breaks",
    Mishap.DROPS_TAKEN: "Twilio's connection breaks when it has taken the text",
    Mishap.PAGE: "a proxy's page in the place of Twilio's answer",
}
REPEATED = "the peer gives the message twice"
REORDERED = "status callbacks come twice and backwards"
LOCKED = "another process holds the database locked"
FULL = "the disk is full"
STOPPED = "the process stands still for 60 s while answers are on their way"
AHEAD = "the clock jumps two hours ahead, and the process is killed"
BACK = "the clock jumps two hours back, and the process is killed"
PARTED = "of two processes on one PostgreSQL, the one that sends stands still for longer than its leases"
PASSED_ON = "of two processes on one PostgreSQL, the one that is asked stands still, and the peer turns to the other"
ORDER = (
    *KILLED.values(), *FAILED.values(), DOWN, GIVEN_UP, DIED, RESTARTED, *TWILIO.values(), REPEATED, REORDERED,
    LOCKED, FULL, STOPPED, AHEAD, BACK, PARTED, PASSED_ON,
)  # fmt: skip
