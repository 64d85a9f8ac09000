"""Define what data must be like, and judge it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from xml.etree import ElementTree as Xml

import typer

from lightmeter import Contract, ContractResult, Reading
from lightmeter.cli.drift import view_of_source
from lightmeter.cli.options import Html, reads_images
from lightmeter.cli.profile import reasons_of, require_images, tell_failures
from lightmeter.cli.terminal import FAILED, Commands, say
from lightmeter.contracts.generate import contract_of
from lightmeter.files import check_target, write_atomically
from lightmeter.image.reading import ReadingOptions
from lightmeter.profile.log import view_of
from lightmeter.text import visible

_IMAGES = 3  # images to name for each failure, and exemplars to keep by default

commands = Commands(no_args_is_help=True, help=__doc__)


@commands.command()
@reads_images("exemplars", "workers")
def check(
    source: str,
    *,
    contract: Path,
    html: Html = None,
    options: ReadingOptions,
    batch: dict[str, Any],
    output_format: Annotated[
        Literal["text", "json", "junit", "github"], typer.Option("--format", help="How to print.")
    ] = "text",
) -> None:
    """Judge images, rows or a profile by a contract.

    Exit codes: 0 all expectations hold, except warnings; 1 an expectation of severity error does
    not hold, or the source or the contract cannot be read; 2 the contract is invalid.

    Parameters
    ----------
    source
        Images, a profile file, or rows in a Parquet file. A .csv or .jsonl file lists images.
    contract
        The contract, a TOML file.
    """
    read = Contract(contract)
    if html is not None:
        check_target(html)
    kept = {"exemplars": _IMAGES, **batch}
    view = view_of_source(source, Reading(**options), may_fail=True, **kept)
    result = read.judge(view)
    for line in _PRINTED[output_format](result):
        print(line)
    if html is not None:
        result.write_html(html)
        if output_format == "text":
            say(f"{html}: written")
    reasons = reasons_of(view)
    tell_failures(reasons, view.failures)
    require_images(len(view), reasons)
    if not result.passed:
        raise typer.Exit(FAILED)


@commands.command()
def init(
    profiles: list[Path],
    *,
    output: Path,
    batch: Annotated[int | None, typer.Option(min=2)] = None,
) -> None:
    """Write a contract that similar profiles pass, with the reason for each limit.

    It prints how many features have limits, and never overwrites a file.

    Parameters
    ----------
    profiles
        Profile files of good data.
    output
        Write the contract here.
    batch
        Number of images or rows per batch, by default as in the smallest profile.
    """
    if output.exists():
        raise ValueError(f"the file {output} exists; choose another name, or delete it")
    text = contract_of([view_of(path) for path in profiles], batch)
    write_atomically(output, text.encode())
    say(f"{output}: {text.splitlines()[0][2:]}")


def _text(result: ContractResult) -> Iterator[str]:
    for outcome in result.failures:
        paths = ", ".join(each.path for each in outcome.exemplars[:_IMAGES])
        yield f"{outcome}{f'; such as {visible(paths)}' if paths else ''}"
    yield str(result)


def _junit(result: ContractResult) -> Iterator[str]:
    """Yield JUnit XML for CI servers, with a test case for each outcome."""
    failures = sum(outcome.severity == "error" for outcome in result.failures)
    counts = {"tests": str(len(result.outcomes)), "failures": str(failures)}
    suite = Xml.Element("testsuite", counts, name="lightmeter contract")
    for outcome in result.outcomes:
        name = visible(f"{outcome.feature} {outcome.expected}".strip())
        kind = visible(outcome.expectation or "contract")
        case = Xml.SubElement(suite, "testcase", name=name, classname=kind)
        if outcome.state != "holds":
            kind = "failure" if outcome.severity == "error" else "system-out"
            Xml.SubElement(case, kind).text = str(outcome)
    yield Xml.tostring(suite, encoding="unicode")


def _github(result: ContractResult) -> Iterator[str]:
    """Yield workflow commands from which GitHub makes annotations."""
    for outcome in result.failures:
        text = str(outcome).partition(": ")[2].replace("%", "%25")
        yield f"::{outcome.severity} title=contract::{text}"
    yield str(result)


_PRINTED: dict[str, Callable[[ContractResult], Iterator[str]]] = {
    "text": _text,
    "json": lambda result: iter([result.to_json()]),
    "junit": _junit,
    "github": _github,
}
