"""The picture of the rooms is that of the table of rooms."""

from itertools import pairwise

from rooms import PICTURE, draw, everything_below, layout, uses


def test_the_picture_is_that_of_the_table() -> None:
    drawn = PICTURE.read_text(encoding="utf-8")
    assert drawn == f"{draw()}\n", "draw it again: python tests/python/package/rooms.py"


def test_the_picture_shows_every_room_and_arrow() -> None:
    left, _, width, height = map(float, draw().partition('viewBox="')[2].partition('"')[0].split())
    rooms, arrows = layout()
    for x, y in (*rooms.values(), *(place for arrow in arrows for place in arrow.places)):
        assert left < x < left + width
        assert 0 < y < height


def test_every_arrow_runs_down_and_they_lead_to_all_that_a_room_uses() -> None:
    table = uses()
    rooms, arrows = layout()
    assert rooms.keys() == table.keys()
    for arrow in arrows:
        assert all(y < next_y for (_, y), (_, next_y) in pairwise(arrow.places)), arrow
        assert arrow.below in table[arrow.above]
    drawn = {room: {arrow.below for arrow in arrows if arrow.above == room} for room in table}
    for room in table:
        assert everything_below(room, drawn) == everything_below(room, table)


def test_no_two_rooms_overlap() -> None:
    centres = sorted(layout()[0].values(), key=lambda centre: (centre[1], centre[0]))
    assert all(y < to_y or x + 124 < to_x for (x, y), (to_x, to_y) in pairwise(centres))
