"""The ``lightmeter`` command line. It parses and prints; the work is the library's."""

from lightmeter.cli.app import run

__all__ = ["run"]
