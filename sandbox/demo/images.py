"""
Draws the pictures of the demo's paths.

They are drawn rather than shipped: a few lines of code take less room than three pictures, and can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 960, 540
FINER = 2  # drawn so many times as large, and made smaller, so that edges are smooth

Point = tuple[float, float]


class Canvas:
    """A ground that grows lighter to the bottom, to draw on in units of the finished picture."""

    def __init__(self, top: tuple[int, int, int], bottom: tuple[int, int, int]) -> None:
        column = Image.new("RGB", (1, HEIGHT))
        for y in range(HEIGHT):
            share = y / (HEIGHT - 1)
            column.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))
        self.image = column.resize((WIDTH * FINER, HEIGHT * FINER))
        self._draw = ImageDraw.Draw(self.image)

    def box(self, left: float, top: float, width: float, height: float, color: str, *, round_by: float = 0) -> None:
        """Fill a rectangle, whose corners may be round."""
        corners = [(left * FINER, top * FINER), ((left + width) * FINER, (top + height) * FINER)]
        self._draw.rounded_rectangle(corners, radius=round_by * FINER, fill=color)

    def dot(self, center: Point, radius: float, color: str) -> None:
        """Fill a circle."""
        x, y = center
        corners = [((x - radius) * FINER, (y - radius) * FINER), ((x + radius) * FINER, (y + radius) * FINER)]
        self._draw.ellipse(corners, fill=color)

    def line(self, points: list[Point], width: float, color: str) -> None:
        """Draw a line from point to point, whose ends are round."""
        for (x1, y1), (x2, y2) in pairwise(points):
            self._draw.line(
                [(x1 * FINER, y1 * FINER), (x2 * FINER, y2 * FINER)], fill=color, width=round(width * FINER)
            )
        for point in points:
            self.dot(point, width / 2, color)

    def shape(self, points: list[Point], color: str) -> None:
        """Fill what is between the points."""
        self._draw.polygon([(x * FINER, y * FINER) for x, y in points], fill=color)

    def as_png(self) -> bytes:
        """Return the finished picture."""
        out = BytesIO()
        smooth = self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        smooth.save(out, format="PNG", optimize=True)
        return out.getvalue()


def data_science() -> bytes:
    """Draw bars that grow, and the curve that tells how."""
    canvas = Canvas((8, 58, 80), (28, 122, 150))
    heights = (70, 110, 95, 160, 215, 200, 280)
    curve: list[Point] = []
    for number, height in enumerate(heights):
        left = 150 + number * 98
        canvas.box(left, 440 - height, 62, height, "#7fc4d4" if number % 2 else "#a8dbe5", round_by=8)
        curve.append((left + 31, 400 - height * 1.05))
    canvas.line([(120, 440), (860, 440)], 5, "#e8f5f8")
    canvas.line(curve, 7, "#f0a202")
    for point in curve:
        canvas.dot(point, 13, "#f0a202")
        canvas.dot(point, 6, "#083a50")
    return canvas.as_png()


def web() -> bytes:
    """Draw a page in a browser."""
    canvas = Canvas((92, 45, 110), (196, 92, 120))
    canvas.box(172, 82, 640, 390, "#3d1f4d", round_by=18)
    canvas.box(160, 70, 640, 390, "#fff7fb", round_by=18)
    canvas.box(160, 70, 640, 56, "#f1d9e6", round_by=18)
    canvas.box(160, 104, 640, 22, "#f1d9e6")
    for number, color in enumerate(("#d1495b", "#f0a202", "#2a9d6f")):
        canvas.dot((194 + number * 30, 98), 9, color)
    canvas.box(300, 84, 470, 28, "#ffffff", round_by=14)
    canvas.box(196, 158, 270, 34, "#5c2d6e", round_by=8)
    for number, width in enumerate((250, 270, 215, 240)):
        canvas.box(196, 214 + number * 30, width, 14, "#d9b8cd", round_by=7)
    canvas.box(196, 356, 130, 52, "#d1495b", round_by=26)
    canvas.box(508, 158, 252, 250, "#e9c6d8", round_by=12)
    canvas.dot((690, 222), 30, "#f0a202")
    canvas.shape([(508, 396), (592, 262), (660, 344), (700, 300), (760, 372), (760, 396)], "#5c2d6e")
    canvas.box(508, 390, 252, 18, "#5c2d6e", round_by=9)
    return canvas.as_png()


def security() -> bytes:
    """Draw a lock before a net."""
    canvas = Canvas((16, 32, 39), (36, 84, 72))
    knots: list[Point] = [
        (90, 110), (250, 60), (430, 90), (640, 55), (850, 120), (140, 290), (800, 300), (100, 460), (300, 490),
        (660, 480), (870, 450),
    ]  # fmt: skip
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (1, 5), (4, 6), (3, 6), (5, 7), (5, 8), (7, 8), (8, 9), (6, 9),
                 (6, 10), (9, 10)):  # fmt: skip
        canvas.line([knots[a], knots[b]], 3, "#3f7d6c")
    for knot in knots:
        canvas.dot(knot, 11, "#7ac7a8")
    canvas.dot((480, 205), 105, "#d5e8e0")
    canvas.dot((480, 205), 70, "#1f4a40")
    canvas.box(375, 205, 35, 80, "#d5e8e0")
    canvas.box(550, 205, 35, 80, "#d5e8e0")
    canvas.box(410, 205, 140, 80, "#1f4a40")
    canvas.box(335, 255, 290, 215, "#f0a202", round_by=26)
    canvas.dot((480, 340), 31, "#102027")
    canvas.shape([(467, 350), (493, 350), (504, 420), (456, 420)], "#102027")
    return canvas.as_png()


PICTURES: dict[str, Callable[[], bytes]] = {
    "demo-data-science.png": data_science,
    "demo-web.png": web,
    "demo-security.png": security,
}
