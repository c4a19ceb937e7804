"""All benchmarks, or those named: ``python -m bench [store|channels|matching|large_mail|idle_chats|start]``."""

import importlib
import sys

ALL = ("store", "channels", "matching", "large_mail", "idle_chats", "start")


def main(wanted: list[str]) -> int:
    """Run the benchmarks one after the other; say what is missing and go on. Return the exit status."""
    unknown = set(wanted) - set(ALL)
    if unknown:
        print(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
        return 2
    for name in wanted or ALL:
        print(f"--- {name}", flush=True)
        try:
            importlib.import_module(f"bench.{name}").main()
        except (FileNotFoundError, ModuleNotFoundError) as error:
            print(f"MISSING: {error}. This part was not measured.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
