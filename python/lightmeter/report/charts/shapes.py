"""Lines, texts and signs in SVG, and their colours."""

from lightmeter.report.charts.html import Html, tag

# Okabe and Ito's blue and vermilion, which every kind of colour vision tells apart; the reference
# is also an area and the target a line, for print.
PALETTE = {
    "ink": "#1f2328",
    "quiet": "#59636e",
    "line": "#d1d9e0",
    "paper": "#ffffff",
    "reference": "#0072b2",
    "target": "#d55e00",
}


def rule(x1: float, y1: float, x2: float, y2: float, tone: str) -> Html:
    """A straight line."""
    path = f"M{rounded(x1)} {rounded(y1)}L{rounded(x2)} {rounded(y2)}"
    return tag("path", d=path, **paint(None, tone))


def label(x: float, y: float, text: str, anchor: str = "start", tone: str = "quiet") -> Html:
    """A line of text, escaped."""
    place = None if anchor == "start" else anchor
    return tag("text", text, x=rounded(x), y=rounded(y), text_anchor=place, **paint(tone))


def dot(x: float, y: float, radius: float, **more: float) -> Html:
    """A circle as two arcs, so that one kind of element does; `more` are attributes."""
    r = rounded(radius)
    path = (
        f"M{rounded(x - radius)} {rounded(y)}a{r} {r} 0 1 0 "
        f"{rounded(2 * radius)} 0a{r} {r} 0 1 0 {rounded(-2 * radius)} 0z"
    )
    return tag("path", d=path, **paint("target"), **more)


def cross(x: float, y: float) -> Html:
    """Two lines across each other."""
    path = f"M{rounded(x - 3)} {rounded(y - 3)}l6 6m0 -6l-6 6"
    return tag("path", d=path, **paint(None, "ink"), stroke_width=1.5)


def paint(fill: str | None, stroke: str | None = None) -> dict[str, str]:
    """Colours as attributes, and as classes, by which the style of a page overrides them."""
    tones = {"fill": fill, "stroke": stroke}
    names = " ".join(f"{use[0]}-{tone}" for use, tone in tones.items() if tone)
    paints = {use: PALETTE[tone] for use, tone in tones.items() if tone}
    return {"cls": names, **paints, **({} if fill else {"fill": "none"})}


def rounded(value: float) -> str:
    """A place or length, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
