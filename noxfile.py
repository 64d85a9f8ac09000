"""Common work by name, each in an environment of its own: ``nox -s lint``, ``nox -l`` lists it."""

import nox

nox.options.sessions = ["lint", "tests", "docs"]


@nox.session
def lint(session: nox.Session) -> None:
    """Form and types."""
    session.install(".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """The tests of Python; arguments after -- are those of pytest."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site of the documentation, into build/site; a warning is an error."""
    session.install(".[docs]")
    session.run("python", "docs/site/make.py", "build/site")


@nox.session
def everything(session: nox.Session) -> None:
    """All that must hold before a change lands; for Debian or Ubuntu, as root."""
    session.run("bash", ".ci/run", external=True)
