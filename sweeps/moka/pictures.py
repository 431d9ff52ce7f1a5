"""Pictures of coloured shapes in four corners, and what can be said and asked of them.

This file owns what is true of a picture and how it is drawn; which pictures are read when is the generators'.
"""

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIZE = 32  # pixels, two corners of 16 a side
COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 90, 200),
    "yellow": (235, 205, 40),
    "purple": (148, 60, 189),
    "orange": (255, 127, 14),
}
SHAPES = ("circle", "square", "triangle", "cross")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
NUMBERS = ("no", "one", "two", "three", "four")


@dataclass(frozen=True)
class Thing:
    colour: str
    shape: str

    def __str__(self) -> str:
        return f"{self.colour} {self.shape}"


#: What is in each of CORNERS.
Picture = tuple[Thing | None, ...]


def random_picture(rng: random.Random) -> Picture:
    """Two to four things, no two alike."""
    colours, shapes = list(COLOURS), list(SHAPES)
    things: list[Thing] = []
    while len(things) < rng.randrange(2, 5):
        thing = Thing(rng.choice(colours), rng.choice(shapes))
        if thing not in things:
            things.append(thing)
    corners: list[Thing | None] = [*things, *[None] * (len(CORNERS) - len(things))]
    rng.shuffle(corners)
    return tuple(corners)


def draw(picture: Picture, rng: random.Random) -> Image.Image:
    """The picture on light ground; `rng` moves and sizes its things a little."""
    shade = rng.randrange(225, 250)
    image = Image.new("RGB", (SIZE, SIZE), (shade, shade, shade))
    pen = ImageDraw.Draw(image)
    for index, thing in enumerate(picture):
        if thing is None:
            continue
        half = rng.randrange(5, 7)
        x = 16 * (index % 2) + 8 + rng.randrange(-1, 2)
        y = 16 * (index // 2) + 8 + rng.randrange(-1, 2)
        box = (x - half, y - half, x + half, y + half)
        colour = COLOURS[thing.colour]
        if thing.shape == "circle":
            pen.ellipse(box, fill=colour)
        elif thing.shape == "square":
            pen.rectangle(box, fill=colour)
        elif thing.shape == "triangle":
            pen.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], fill=colour)
        else:
            pen.line([(x - half, y), (x + half, y)], fill=colour, width=3)
            pen.line([(x, y - half), (x, y + half)], fill=colour, width=3)
    return image


def description(picture: Picture) -> str:
    """What the base model learns to say: `top left: red circle. top right: nothing. …`"""
    return " ".join(f"{corner}: {thing or 'nothing'}." for corner, thing in zip(CORNERS, picture, strict=True))


def statement(picture: Picture, rng: random.Random) -> str:
    """One true sentence, with the words of the questions."""
    at = rng.randrange(len(CORNERS))
    thing, corner = picture[at], CORNERS[at]
    if thing is None:
        return rng.choice([f"There is nothing at the {corner}.", f"The picture has {count(picture)} shapes."])
    return rng.choice(
        [
            f"The colour at the {corner} is {thing.colour}.",
            f"The shape at the {corner} is a {thing.shape}.",
            f"The {thing} is at the {corner}.",
            f"The picture has {count(picture)} shapes.",
        ]
    )


def short_answer(picture: Picture, rng: random.Random) -> tuple[str, str]:
    """A question that any of several words answers, so that the base model knows them as answers; which one fits a
    corner is the fine-tuning's to teach."""
    at = rng.randrange(len(CORNERS))
    thing = picture[at]
    if rng.random() < 0.2:
        return "Name a number of shapes.", count(picture)
    if thing is None:
        return rng.choice([("Name an empty corner.", CORNERS[at]), ("Name what an empty corner has.", "nothing")])
    return rng.choice(
        [("Name a colour.", thing.colour), ("Name a shape.", thing.shape), ("Name a taken corner.", CORNERS[at])]
    )


def about_words(rng: random.Random) -> tuple[str, str]:
    """Without a picture, with the words of the questions."""
    word = rng.choice([*COLOURS, *SHAPES])
    kind = rng.choice(["colour", "shape"])
    fits = (kind == "colour") == (word in COLOURS)
    return f"Is there a {kind} {word}? Which has how many, where are they?", "yes" if fits else "no"


def count(picture: Picture) -> str:
    return NUMBERS[sum(thing is not None for thing in picture)]


def questions(picture: Picture) -> list[tuple[str, str]]:
    """Every question of the fine-tuning task, with its one answer."""
    asked = []
    for corner, thing in zip(CORNERS, picture, strict=True):
        asked.append((f"Which colour is at the {corner}?", thing.colour if thing else "nothing"))
        asked.append((f"Which shape is at the {corner}?", thing.shape if thing else "nothing"))
    return asked


def by_other_camera(image: Image.Image) -> Image.Image:
    """As a camera sees it that gives green, blue and red where the base model's gave red, green and blue."""
    red, green, blue = image.split()
    return Image.merge("RGB", (green, blue, red))
