"""Options that several commands have."""

from typing import Annotated

import typer

from lightmeter import ExifPolicy

__all__ = ["Allow", "Deny", "Exemplars", "policy_of"]

Allow = Annotated[
    list[str] | None,
    typer.Option("--exif-allow", help="Personal Exif tag to track all the same; repeatable."),
]
Deny = Annotated[
    list[str] | None,
    typer.Option("--exif-deny", help="Exif tag not to track, whether allowed or not; repeatable."),
]
Exemplars = Annotated[
    int,
    typer.Option(
        min=0, max=16, help="Small pictures to keep at either end of each feature; default none."
    ),
]


def policy_of(allow: list[str] | None, deny: list[str] | None) -> ExifPolicy:
    """The policy that the options of a command say; a misspelt tag is wrong usage."""
    try:
        return ExifPolicy(allow=allow or (), deny=deny or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
