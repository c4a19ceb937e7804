"""The real house with text messages in a process of its own, for tests that kill it.

Started as ``python -m tests.channels.sms_process SETTINGS`` with settings in JSON; it says ``ready`` when it receives.
"""

import asyncio
import json
import sys
from typing import Any

from contactbot import app
from contactbot.settings import from_values


async def serve(values: dict[str, Any]) -> None:
    """Run until killed."""
    async with app.running(from_values(values, "the test"), serve=True) as house:
        await house.receptions["sms"].ready.wait()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
