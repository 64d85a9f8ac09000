"""The ``lightmeter`` command, which names the missing extra if it is not installed."""

import sys
from importlib.util import find_spec

from lightmeter.errors import ConfigError


def main() -> int:
    """Run the command line; without its packages, print what to install."""
    try:
        if all(map(find_spec, ("pydantic", "rich", "sqlalchemy", "typer"))):
            from lightmeter.cli import run

            return run()
        wrong = "the command line needs more packages: pip install 'lightmeter[cli]'"
    except ConfigError as error:  # in the environment, which is read at once
        wrong = str(error)
    except KeyboardInterrupt:  # while it is starting; the commands say so themselves
        print("lightmeter: interrupted", file=sys.stderr)
        return 130
    print(f"lightmeter: {wrong}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
