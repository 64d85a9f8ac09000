"""Judge the profiles in a store."""

import contextlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from lightmeter import Store
from lightmeter.alerts import Delivery, WatchConfig, load_config, try_out
from lightmeter.alerts.watch import watch
from lightmeter.cli.options import From, Printed, StoreOption, To, WithTags, pairs_of
from lightmeter.cli.terminal import FAILED, Commands, complain, fail, print_json, say
from lightmeter.errors import ConfigError
from lightmeter.files import check_target, open_atomically, write_atomically
from lightmeter.monitor.config import matches, words_of
from lightmeter.monitor.export import RESULT_COLUMNS, SERIES_COLUMNS, result_rows, series_rows
from lightmeter.monitor.recommended import write_monitors
from lightmeter.monitor.replay import false_alarms_a_year, replay
from lightmeter.monitor.results import Result, bucket_text, condensed, load_lasting, place_text
from lightmeter.profile.table_files import Value, line_of, row_format_of, write_table
from lightmeter.store.tables import Accepted
from lightmeter.text import counted, visible

commands = Commands(no_args_is_help=True, help=__doc__)

Config = Annotated[Path, typer.Argument(help="TOML file of monitors.")]


@commands.command()
def run(
    config: Config,
    store: StoreOption,
    output_format: Printed = "text",
    openmetrics: Path | None = None,
    dashboard: str | None = None,
) -> None:
    """Judge every complete bucket (a day, by default), store the results, and send alerts.

    As text, each anomaly and error that lasts is a line, and each monitor without enough data. As
    JSON, all results of the newest bucket of each monitor are printed. A segment without data in
    that bucket is listed only by monitors of the type missing.

    Exit codes: 0 the newest bucket of every monitor is ok; 3 one has an anomaly; 1 none has an
    anomaly, but an alert was not delivered, so the next run tries again to send it; 2 the file is
    invalid; 4 none has an anomaly, but a monitor could judge no feature of its newest bucket.

    Runs on one store take turns. Several files may watch one store, if no two of their monitors
    have the same name and dataset.

    Parameters
    ----------
    openmetrics
        Write the results to this file, for Prometheus.
    dashboard
        Address of the dashboard, for links.
    """
    if openmetrics is not None:
        from lightmeter.interop.prometheus import metrics_text

        check_target(openmetrics)
    as_json = output_format == "json"
    # An alert may print text, which would break the JSON.
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        watched = watch(store, config, dashboard=dashboard)
    with Store(store, create=False) as opened:
        lasting = load_lasting(opened, watched.monitors)
        if openmetrics is not None:
            write_atomically(openmetrics, metrics_text(opened).encode())
    if as_json:
        print_json(watched.newest)
    else:
        for incident in lasting:
            print(visible(incident.sentence))
        waits = {"pending", "not enough data"}
        for result, more in condensed(each for each in watched.newest if each.state in waits):
            print(visible(_line(result) + more))
        if not watched.newest:
            say("nothing to judge: no bucket (day or hour) has ended, or there is no monitor")
    _complain_of(watched.deliveries)
    raise typer.Exit(watched.exit_code)


@commands.command()
def init(
    *,
    store: StoreOption,
    dataset: str,
    output: Path = Path("monitors.toml"),
) -> None:
    """Write a file with the recommended monitors for a dataset, with comments.

    The monitors depend on the data that is stored now.

    Parameters
    ----------
    dataset
        The dataset to watch.
    output
        File to write, which must not exist yet.
    """
    with Store(store, create=False) as opened:
        write_monitors(opened, dataset, output)
        say(f"{output}: written")


@commands.command()
def check(config: Config, store: str | None = None) -> None:
    """Check a file of monitors, show what they find, and estimate false alarms per year.

    The number is unknown for rules whose false alarms depend on the data.

    With --store, every bucket in the store is judged, and the store is not changed. For each
    monitor, this prints how many alarms it would have raised, and the last 3. For a trend monitor
    with enough days, it also prints after how many days it finds a small step.

    Parameters
    ----------
    store
        The store to judge, without storing or sending anything.
    """
    monitors, known, unknown = load_config(config).monitor, 0.0, 0
    if not monitors:
        raise ConfigError(f"{config}: got no monitor; expected tables [[monitor]]")
    with contextlib.nullcontext() if store is None else Store(store, create=False) as opened:
        found = [] if opened is None else replay(opened, monitors)
        for monitor, replayed in zip_longest(monitors, found):
            alarms = false_alarms_a_year(monitor, opened)
            text = "unknown, depends on the data" if alarms is None else f"about {alarms:.3g}"
            print(visible(f"“{monitor.name}”: expected false alarms a year: {text}"))
            known, unknown = known + (alarms or 0), unknown + (alarms is None)
            for line in replayed.lines() if replayed else ():
                print(visible(f"  {line}"))
    more = f", plus {counted(unknown, 'monitor')} of unknown rate" if unknown else ""
    print(f"total: about {known:.3g} expected false alarms a year{more}")


@commands.command()
def schema() -> None:
    """Print the JSON Schema of files of monitors and alerts, for editors."""
    print_json(WatchConfig.model_json_schema())


@commands.command("results")
def print_results(
    store: StoreOption,
    output: Path | None = None,
    dataset: str = "*",
    segment: str = "*",
    monitor: str = "*",
    feature: str = "*",
) -> None:
    """Write the results of monitors, one row per feature and bucket.

    --dataset, --segment, --monitor and --feature take patterns. Without -o the rows are printed as
    JSON lines.

    Parameters
    ----------
    output
        Write the rows to this .csv, .jsonl or .parquet.
    dataset
        Datasets, such as 'cells*'.
    segment
        Segments, such as 'camera=*'.
    monitor
        Monitors, such as 'drift*'.
    feature
        Features, such as 'image.Hue.*'.
    """
    where = {"dataset": dataset, "segment": segment, "monitor": monitor, "feature": feature}
    with Store(store, create=False) as opened:
        _write_rows(result_rows(opened, **where), RESULT_COLUMNS, output)


@commands.command("series")
def print_series(
    *,
    store: StoreOption,
    dataset: str,
    output: Path | None = None,
    segment: str = "",
    tag: WithTags = None,
    feature: str = "*",
    statistic: list[str] | None = None,
    since: From = None,
    until: To = None,
) -> None:
    """Write a statistic of features over time, one row per feature and bucket.

    Without -o the rows are printed as JSON lines.

    Parameters
    ----------
    dataset
        The dataset.
    output
        Write the rows to this .csv, .jsonl or .parquet.
    segment
        The segment, such as 'camera=north'.
    feature
        Features, such as 'image.Hue.*'.
    statistic
        Such as stddev, q_95 or missing_rate, by default mean (repeatable).
    """
    with Store(store, create=False) as opened:
        which, where = opened.tagged(pairs_of("tag", tag)), {"segment": segment, "feature": feature}
        rows = series_rows(which, dataset, since, until, **where, statistics=statistic or ["mean"])
        _write_rows(rows, SERIES_COLUMNS, output)


def _write_rows(
    rows: Iterable[Mapping[str, Value]], columns: Mapping[str, type], output: Path | None
) -> None:
    if output is None:
        for row in rows:
            print(line_of(row))
        return
    row_format = row_format_of(output)
    with open_atomically(output) as file:
        write_table(rows, file, row_format, columns)


@commands.command()
def accept(
    store: StoreOption,
    since: From = None,
    dataset: str = "*",
    segment: str = "*",
    monitor: str = "*",
    note: str = "",
    remove: bool = False,
) -> None:
    """Accept a change as the new normal, such as a new lamp.

    From the next run on, the buckets from --from until now count as ok, so ongoing incidents end,
    and trailing baselines begin at --from. Until such a baseline has enough buckets, its monitor
    judges no new ones. Fixed limits stay the same. --dataset, --segment and --monitor take
    patterns; without them, the change is accepted for everything in the store. Without --from,
    accepted changes are listed.

    With the same patterns and the same --from, --remove revokes a change.

    Parameters
    ----------
    dataset
        Datasets, such as 'cells*'.
    segment
        Segments, such as 'camera=*'; '' for the whole dataset without its segments.
    monitor
        Monitors, such as 'drift*'.
    note
        Reason, for the dashboard.
    remove
        Revoke the change.
    """
    with Store(store, create=False) as opened:
        if since is None:
            if remove or note:
                raise ValueError("--remove and --note need --from")
            for each in (listed := opened.state.accepted()):
                print(visible(_accepted(each)))
            if not listed:
                say("no change was accepted")
            return
        accepted = Accepted(dataset, segment, monitor, since, note, datetime.now(UTC))
        if remove:
            if not opened.state.forget_accepted(accepted):
                fail("no accepted change matches; accept without --from lists all")
            say("revoked; the next run of the monitors judges these buckets again")
            return
        opened.state.accept(accepted)
        say(_accepted(accepted))
        say("the next run of the monitors judges these buckets again")
        if not any(
            matches(source.dataset, [dataset])
            and matches(source.monitor, [monitor])
            and any(matches(part, [segment]) for part, _ in opened.state.judged(*source[:2]))
            for source in opened.state.sources()
        ):
            complain("no monitor has judged anything that matches these patterns")


@commands.command()
def test_alerts(config: Config) -> None:
    """Send a test message through every alert of a file."""
    alerts = load_config(config).alert
    if not alerts:
        complain(f"{config} has no [[alert]]")
    deliveries = try_out(alerts)
    for delivery in deliveries:
        if delivery.error is None:
            say(f"{delivery.alert}: sent")
    _complain_of(deliveries)
    if any(delivery.error is not None for delivery in deliveries):
        raise typer.Exit(FAILED)


def _complain_of(deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        if delivery.error is not None:
            complain(f"alert {delivery.alert}: {delivery.error}")


def _accepted(accepted: Accepted) -> str:
    """Return a description of an accepted change."""
    place = " ".join(part or "''" for part in accepted[:3] if part != "*") or "everything"
    return f"{place}: {words_of(accepted)}"


def _line(result: Result) -> str:
    """Return a result as a line of text."""
    place = place_text(result.dataset, result.segment)
    state = result.state + f" of {result.feature}" * bool(result.feature and not result.cause)
    words = ": ".join(filter(None, (state, result.words.removeprefix(f"{result.feature}: "))))
    return f"{bucket_text(result.bucket)} {place}: {words} (“{result.monitor}”)"
