"""The command that shows the tracked and the withheld Exif tags of a file."""

from pathlib import Path

from lightmeter.cli.options import Allow, Deny, Printed
from lightmeter.cli.terminal import fail, print_json, print_table
from lightmeter.errors import ImageError
from lightmeter.image.encoded import open_encoded
from lightmeter.image.exif import DATES, ExifPolicy, read_exif
from lightmeter.image.exif.tags import PERSONAL
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.pillow import file_header
from lightmeter.times import DAY, EPOCH


def exif(
    file: Path, allow: Allow = None, deny: Deny = None, output_format: Printed = "text"
) -> None:
    """Print the Exif tags of a file that are tracked, and the names of withheld tags.

    Parameters
    ----------
    file
        Image file.
    """
    policy = ExifPolicy(allow=allow or (), deny=deny or ())
    try:
        opened = open_encoded(file, DEFAULT_LIMITS)
    except ImageError as error:
        raise ImageError(error.reason, error.detail, file) from error
    with opened:
        header = file_header(opened, DEFAULT_LIMITS)
        if header is None:
            fail(f"{file} has no format whose Exif lightmeter reads")
        tracked = dict(sorted(read_exif(header.exif, policy, header.orientation).items()))
        known = read_exif(header.exif, ExifPolicy(allow=PERSONAL), header.orientation)
    withheld = sorted(known.keys() - tracked.keys())
    if output_format == "json":
        print_json({"tracked": tracked, "withheld": withheld})
        return
    for name in DATES & tracked.keys():
        tracked[name] = f"{EPOCH + float(tracked[name]) * DAY:%Y-%m-%d %H:%M:%S}"
    words = (each if isinstance(each, str) else f"{each:.10g}" for each in tracked.values())
    print_table(("tag", "value"), zip(tracked, words, strict=True))
    print(f"\nwithheld: {', '.join(withheld) or 'nothing'}")
