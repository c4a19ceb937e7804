"""Where replies go in the benchmark: a mail relay and a text gateway that take everything, in a process of their own.

Run as ``python -m bench.sinks ACCOUNT_SID AUTH_TOKEN NUMBER``; prints the mail port and the gateway's address, then
ends with its standard input, printing how many mails and texts came.
"""

import asyncio
import json
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session

from contactbot.demo.gateway import Gateway


class Counter:
    """Takes mail and counts it."""

    def __init__(self) -> None:
        self.mails = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for the event
        """Take it."""
        self.mails += 1
        return "250 OK"


async def _serve(account_sid: str, auth_token: str, number: str) -> None:
    loop = asyncio.get_running_loop()
    counter = Counter()
    server = await loop.create_server(lambda: SMTP(counter, loop=loop), "127.0.0.1", 0)
    async with Gateway(account_sid=account_sid, auth_token=auth_token, numbers=(number,), reports=False) as gateway:
        print(json.dumps({"mail": server.sockets[0].getsockname()[1], "gateway": gateway.url}), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
        print(json.dumps({"mails": counter.mails, "texts": len(gateway.posted)}), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:4]))
