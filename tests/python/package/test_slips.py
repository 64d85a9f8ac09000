"""Slips of somebody who is new: each is told in one line that says what to do."""

import shutil
from datetime import date
from pathlib import Path

import lightmeter as lm
import pytest
from conftest import lightmeter, picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, a text that is called a picture, a profile, a store."""
    folder = tmp_path_factory.mktemp("slips")
    (folder / "photos").mkdir()
    for seed in range(3):
        picture(seed=seed).save(folder / f"photos/{seed}.png")
    shutil.copy(folder / "photos/0.png", folder)
    (folder / "text.jpg").write_text("hello")
    view = lm.profile_images(folder / "photos")
    view.write(folder / "good.lmp")
    with lm.Store(folder / "drift.db") as store:
        store.put("camera", view, at=date(2022, 9, 7), writer="a")
    rule = '[[monitor]]\nname = "m"\ndataset = "camera"\ntype = "interval"\nalpha = 0.01\n'
    (folder / "monitors.toml").write_text(rule)
    (folder / "none.toml").touch()
    (folder / "typo.toml").write_text(rule.replace("alpha", "alfa"))
    (folder / "feature.toml").write_text(rule + 'features = ["image.Sharpnes"]\n')
    return folder


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("profile nowhere -o a.lmp", "'nowhere': No such file or directory in {here}"),
        ("profile photos -o nowhere/a.lmp", "'{here}/nowhere': No such folder"),
        ("drift --reference good.lmp --target typo.toml", "measure images first"),
        (
            "show photos",
            "'photos': this is a folder, not a profile; measure it first with profile_images",
        ),
        ("show text.jpg", "text.jpg: not a lightmeter profile: got 5 bytes"),
        ("check 0.png --reference good.lmp", "with sample=256 (option --sample)"),
        ("monitor run no.toml --store drift.db", "'no.toml': No such file or directory in {here}"),
        ("monitor run monitors.toml --store no.db", "there is no store at {here}/no.db; check the"),
        ("monitor run typo.toml --store drift.db", "typo.toml: monitor[1].alfa: unknown key; did"),
        ("monitor init --store drift.db --dataset camra", "no dataset 'camra' in {here}"),
        ("log photos --dataset a --store nowhere/a.db", "there is no folder '{here}/nowhere'"),
        ("store show .", "{here} is a folder; expected a file, such as {here}/drift.db"),
        ("monitor check none.toml", "none.toml: got no monitor; expected tables [[monitor]]"),
    ],
)
def test_a_slip_is_told_in_a_line(folder: Path, command: str, words: str) -> None:
    result = lightmeter(*command.split())
    assert result.returncode in (1, 2, 4)
    assert words.format(here=folder) in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("lightmeter: ")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("log photos --dataset a", "expected either --store or --inbox"),
        ("log photos --dataset a --store a.db --inbox b", "expected either --store or --inbox"),
        ("log photos --dataset a --store a.db --date 2022-01-01 --date-from mtime", "got both --"),
        ("drift --reference good.lmp --target good.lmp --effect 7", "for '--effect'"),
        ("monitor run monitors.toml --store drift.db --dashboard no", "got 'no' as dashboard; exp"),
    ],
)
def test_wrong_usage_is_told_by_the_names_of_options(command: str, words: str) -> None:
    result = lightmeter(*command.split())
    assert result.returncode == 2
    assert words in " ".join(result.stderr.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", "").split())


def test_a_feature_that_is_misspelt_in_a_monitor() -> None:
    result = lightmeter("monitor", "run", "feature.toml", "--store", "drift.db")
    assert (result.returncode, result.stderr) == (4, "")
    assert "matches 'image.Sharpnes'; did you mean image.Sharpness" in result.stdout


def test_the_first_run_on_a_day_that_is_not_over() -> None:
    lightmeter("log", "photos", "--dataset", "camera", "--store", "today.db")
    result = lightmeter("monitor", "run", "monitors.toml", "--store", "today.db")
    words = "nothing to judge: no bucket (day or hour) has ended, or there is no monitor\n"
    assert (result.returncode, result.stdout, result.stderr) == (0, words, "")


def test_slips_in_python(folder: Path) -> None:
    good = folder / "good.lmp"
    report = lm.compare(target=good, reference=good)
    with pytest.raises(KeyError, match=r"'image.Sharpnes' among .* did you mean image\.Sharpness"):
        report["image.Sharpnes"]
    view = lm.ProfileView.read(good)
    with pytest.raises(TypeError, match=r"got int; expected a ProfileView, as Profile\.view\(\)"):
        view.merge(5)  # type: ignore[arg-type]


def test_two_profiles_without_their_names_are_told_to_have_some(folder: Path) -> None:
    good = folder / "good.lmp"
    with pytest.raises(TypeError, match=r"target=\.\.\., reference=\.\.\."):
        lm.compare(good, good)
    with pytest.raises(TypeError, match="expected one of channels"):
        lm.log_image(picture(), x=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'colums'; did you mean columns"):
        lm.log(colums={"a": [1]})  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="'efect'; did you mean effect"):
        lm.compare(target=good, reference=good, efect=0.1)
    with pytest.raises(ValueError, match=r"effect='x'.* effect and tail from 0 to 1"):
        lm.compare(target=good, reference=good, effect="x")  # type: ignore[arg-type]
