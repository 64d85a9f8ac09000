"""Draws docs/rooms.svg from the tables of rooms: ``python tests/python/package/rooms.py``."""

from itertools import pairwise
from math import fsum
from pathlib import Path
from typing import NamedTuple

from layers import CORE_ROOMS, ROOMS
from lightmeter.draw.html import Html, tag

PICTURE = Path(__file__).parents[3] / "docs/rooms.svg"

_MARGIN = 16
_BOX, _HEIGHT, _STEP = 124, 36, 72  # of a room, and from one level to the next
_LANE = 26  # for an arrow that passes a level
_FONT = 19
_SWEEPS = 40
_CORE = "core "  # before the names of rooms of the core, of which some are also Python's
_COLOURS = {False: ("#e8f2fa", "#0072b2"), True: ("#fdf0e6", "#b84d00")}


class Arrow(NamedTuple):
    """From a room to one that it uses: places in pixels, from the top down."""

    above: str
    below: str
    places: list[tuple[float, float]]


def uses() -> dict[str, set[str]]:
    """What each room uses, of both tables: the core stands below the ground."""
    table = {room: set(below.split()) for room, below in ROOMS.items()}
    table |= {_CORE + room: {_CORE + each for each in b.split()} for room, b in CORE_ROOMS.items()}
    table["ground"] |= {_CORE + "bindings"}
    return table


def everything_below(room: str, table: dict[str, set[str]]) -> set[str]:
    return table[room].union(*(everything_below(other, table) for other in table[room]))


def without_shortcuts(table: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without arrows to rooms that other arrows lead to anyway."""
    return {
        room: {
            each
            for each in below
            if not any(each in everything_below(o, table) for o in below - {each})
        }
        for room, below in table.items()
    }


def layout() -> tuple[dict[str, tuple[float, float]], list[Arrow]]:
    """The centre of each room, and the arrows."""
    table = without_shortcuts(uses())

    def level(room: str) -> int:
        """A room stands right above the highest that it uses."""
        return 1 + max(map(level, table[room]), default=-1)

    # An arrow that passes a level has a place of its own there.
    levels: dict[int, list[str]] = {}
    for room in table:
        levels.setdefault(level(room), []).append(room)
    neighbours: dict[str, list[str]] = {room: [] for room in table}
    chains: dict[tuple[str, str], list[str]] = {}
    for room, below in table.items():
        for other in sorted(below):
            passed = range(level(room) - 1, level(other), -1)
            chain = [room, *(f"{room}>{other}@{at}" for at in passed), other]
            for at, place in zip(passed, chain[1:], strict=False):
                levels[at].append(place)
            for place, next_place in pairwise(chain):
                neighbours.setdefault(place, []).append(next_place)
                neighbours.setdefault(next_place, []).append(place)
            chains[room, other] = chain

    across = {place: 0.0 for places in levels.values() for place in places}
    for sweep in range(_SWEEPS):
        for at in sorted(levels, reverse=sweep % 2 == 0):
            _spread(levels[at], neighbours, across)
    top = max(levels)
    down = {
        each: _MARGIN + _HEIGHT / 2 + (top - at) * _STEP for at in levels for each in levels[at]
    }
    centres = {place: (across[place], down[place]) for place in across}
    arrows = []
    for (room, other), chain in chains.items():
        (x, y), *lanes, (to_x, to_y) = (centres[place] for place in chain)
        places = [(x, y + _HEIGHT / 2)]
        for lane, middle in lanes:  # straight past the rooms of its level
            places += [(lane, middle - _HEIGHT / 2), (lane, middle + _HEIGHT / 2)]
        arrows.append(Arrow(room, other, [*places, (to_x, to_y - _HEIGHT / 2 - 7)]))
    return {room: centres[room] for room in table}, arrows


def _spread(places: list[str], neighbours: dict[str, list[str]], across: dict[str, float]) -> None:
    """Put a level's places near the middle of their neighbours, without touching each other."""
    wanted = {
        room: fsum(across[n] for n in neighbours[room]) / len(neighbours[room]) for room in places
    }
    places.sort(key=lambda room: (wanted[room], room))
    x, last = 0.0, ""
    placed: dict[str, float] = {}
    for room in places:
        gap = (_room_for(last) + _room_for(room)) / 2 if last else 0.0
        x = placed[room] = max(x + gap, wanted[room]) if last else wanted[room]
        last = room
    excess = fsum(placed[room] - wanted[room] for room in places) / len(places)
    across |= {room: placed[room] - excess for room in places}


def _room_for(place: str) -> float:
    return _LANE if ">" in place else _BOX + 22


def draw() -> Html:
    """The picture."""
    rooms, arrows = layout()
    height = max(y for _, y in rooms.values()) + _HEIGHT / 2 + _MARGIN
    across = [x + side for x, _ in rooms.values() for side in (-_BOX / 2, _BOX / 2)]
    across += [x for arrow in arrows for x, _ in arrow.places]
    left = min(across) - _MARGIN
    size = {"width": f"{max(across) + _MARGIN - left:.0f}", "height": f"{height:.0f}"}
    parts = [tag("rect", x=f"{left:.0f}", **size, fill="#ffffff")]
    for arrow in arrows:
        path = f"M{_point(arrow.places[0])}"
        for (x, y), (to_x, to_y) in pairwise(arrow.places):
            bend = (y + to_y) / 2
            path += f"C{_point((x, bend))} {_point((to_x, bend))} {_point((to_x, to_y))}"
        x, y = arrow.places[-1]
        parts.append(tag("path", d=path, fill="none", stroke="#59636e", stroke_width=1.6))
        head = f"M{_point((x - 5, y - 2))}L{_point((x + 5, y - 2))}L{_point((x, y + 7))}z"
        parts.append(tag("path", d=head, fill="#59636e"))
    for room, (x, y) in rooms.items():
        core = room.startswith(_CORE)
        fill, stroke = _COLOURS[core]
        parts.append(
            tag(
                "rect",
                x=f"{x - _BOX / 2:.1f}",
                y=f"{y - _HEIGHT / 2:.1f}",
                width=_BOX,
                height=_HEIGHT,
                rx=6,
                fill=fill,
                stroke=stroke,
            )
        )
        name = room.removeprefix(_CORE)
        parts.append(
            tag("text", name, x=f"{x:.1f}", y=f"{y + 6:.1f}", text_anchor="middle", fill="#1f2328")
        )
    return tag(
        "svg",
        tag("title", "The rooms of lightmeter"),
        tag(
            "desc", "Python's rooms in blue above those of the C++ core in orange. Arrows run down"
        ),
        parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"{left:.0f} 0 {size['width']} {size['height']}",
        width=size["width"],
        role="img",
        font_family="system-ui, sans-serif",
        font_size=_FONT,
    )


def _point(place: tuple[float, float]) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"


if __name__ == "__main__":
    PICTURE.write_text(f"{draw()}\n", encoding="utf-8")
