import compare_sides
from lightmeter import ProfileView, compare


def prepare(case, data):
    return compare_sides.sides(case, data)


def run(sides):
    # A copy has not built what queries of the sketches leave behind.
    target, reference = (ProfileView(side._core.copy()) for side in sides)
    return compare(target=target, reference=reference)


def answer(sides, report):
    return {name: p for name, (_, _, p) in compare_sides.untied(*sides).items()}
