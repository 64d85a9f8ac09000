"""The ``lightmeter`` command: a thin door that explains itself when the extra is not installed."""

import sys

from lightmeter.errors import ConfigError


def main() -> int:
    """Run the command line; without its packages, say in one line what to install."""
    try:
        try:
            import pydantic  # noqa: F401
            import rich  # noqa: F401
            import typer  # noqa: F401
        except ImportError:
            print(
                "lightmeter: the command line needs more packages: pip install 'lightmeter[cli]'",
                file=sys.stderr,
            )
            return 2
        try:
            from lightmeter.cli import run
        except ConfigError as error:  # in the environment, which is read at once
            print(f"lightmeter: {error}", file=sys.stderr)
            return 2
        return run()
    except KeyboardInterrupt:  # while it is starting; the commands say so themselves
        print("lightmeter: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
