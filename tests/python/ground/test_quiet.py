"""What Pillow warns of and logs while it decodes is not heard, and only that."""

import io
import logging
import threading
import warnings

import pytest
from bad_files import encoded, outcome
from lightmeter.quiet import quiet
from PIL import Image, ImageFile


def test_what_pillow_warns_of_is_neither_printed_nor_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, load = encoded("BMP"), ImageFile.ImageFile.load

    def warning(image: ImageFile.ImageFile) -> object:
        warnings.warn("some damage", stacklevel=1)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", warning)
    with pytest.warns(UserWarning, match="some damage"):
        Image.open(io.BytesIO(data)).load()
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter(action)  # type: ignore[arg-type]
            assert outcome(data) == outcome(Image.open(io.BytesIO(encoded("PNG")))) == "measured"
        assert seen == []


def test_filters_do_not_grow() -> None:
    with warnings.catch_warnings():
        sizes = []
        for _ in range(9):
            warnings.simplefilter("error")
            with quiet():
                warnings.warn("not heard", stacklevel=1)
            sizes.append(len(warnings.filters))
        assert sizes == sizes[:1] * 9


def test_what_pillow_logs_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("PIL.Some")
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        logger.error("damage")
    finally:
        root.handlers = handlers
    assert capsys.readouterr().err == ""


def test_only_the_thread_that_decodes_is_quiet() -> None:
    inside, done = threading.Event(), threading.Event()

    def decode() -> None:
        with quiet():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=decode)
    thread.start()
    assert inside.wait(10)
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", stacklevel=1)
    with quiet():
        warnings.warn("not heard", stacklevel=1)
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", stacklevel=1)
    done.set()
    thread.join()
