"""The processes of a benchmark: the service as it is run, and what stands beside it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import aiohttp


@contextmanager
def running(module: str, *arguments: str) -> Iterator[IO[str]]:
    """Run one of the benchmark's processes; it ends when its standard input does."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.stdin.close()
            process.stdout.read()  # what it says last


@contextmanager
def serving(folder: Path, configuration: dict[str, Any]) -> Iterator[int]:
    """Run the service; yield its process id once it is ready, and say how long that took."""
    with started(folder, configuration) as (process, seconds):
        print(f"ready after {seconds:.2f} s")
        yield process


@contextmanager
def started(folder: Path, configuration: dict[str, Any]) -> Iterator[tuple[int, float]]:
    """Run the service; yield its process id and the seconds it took to be ready.

    Its bytecode is kept in the folder, as an installer keeps it beside the code: a second start in it is a warm one.
    """
    (folder / "contactbot.toml").write_text(_toml(configuration), "utf-8")
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    command = [str(Path(sys.executable).parent / "contactbot"), "serve", "--config", str(folder / "contactbot.toml")]
    began = time.perf_counter()
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stderr=log, env=os.environ | bytecode) as process,
    ):
        asyncio.run(_until_ready(configuration["public_url"]))
        try:
            yield process.pid, time.perf_counter() - began
        finally:
            process.terminate()


async def _until_ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/healthz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.01)


def _toml(values: dict[str, Any], prefix: str = "") -> str:
    plain, lists, tables = "", "", ""
    for key, value in values.items():
        if isinstance(value, dict):
            tables += f"[{prefix}{key}]\n{_toml(value, f'{prefix}{key}.')}"
        elif isinstance(value, list):
            lists += "".join(f"[[{prefix}{key}]]\n{_toml(item)}" for item in value)
        else:
            plain += f"{key} = {json.dumps(value)}\n"
    return plain + lists + tables


def port_of(configuration: dict[str, Any]) -> int:
    """Return the port that the service serves its pages on."""
    return int(configuration["listen"].rpartition(":")[2])


def cpu(process: int) -> float:
    """Return the CPU milliseconds, of user and kernel, that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def resident_mb(process: int) -> float:
    """Return the resident memory of a process in megabytes."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
