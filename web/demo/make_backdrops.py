"""Draw what stands before the demo's moving sky. Run by hand when a venue changes; needs a CJK font on the machine."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from streaming.program.make_cards import font

SIZE = (1280, 720)
INK, SNOW, RED, GOLD = (22, 30, 44, 255), (246, 247, 249, 255), (196, 52, 44, 255), (240, 190, 90, 255)


def draw(name: str, english: str, seed: float) -> Image.Image:
    """Hills, lanterns and a name plate on a clear ground."""
    image = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    canvas = ImageDraw.Draw(image)
    for depth, shade in enumerate(((58, 78, 104, 255), (38, 54, 78, 255), INK)):
        base = 430 + 70 * depth
        ridge = [(x, base + 46 * math.sin(x / (150 - 30 * depth) + seed + depth * 2)) for x in range(0, SIZE[0] + 8, 8)]
        canvas.polygon([*ridge, (SIZE[0], SIZE[1]), (0, SIZE[1])], fill=shade)
    for index in range(6):
        x, y = 120 + index * 208, 92 + 26 * math.sin(index + seed)
        canvas.line((x, 0, x, y - 44), fill=GOLD, width=3)
        canvas.ellipse((x - 42, y - 44, x + 42, y + 44), fill=RED)
        canvas.rectangle((x - 22, y - 52, x + 22, y - 42), fill=GOLD)
        canvas.rectangle((x - 22, y + 42, x + 22, y + 52), fill=GOLD)
    canvas.text((640, 560), name, font=font(84), fill=SNOW, anchor="mm")
    canvas.text((640, 632), english, font=font(34), fill=(190, 198, 210, 255), anchor="mm")
    return image


def main(directory: Path) -> None:
    draw("古城墙主会场", "Old city wall, main venue", 0.4).quantize(64).save(directory / "main.png", optimize=True)
    draw("河滨分会场", "Riverside, branch venue", 2.6).quantize(64).save(directory / "branch.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "backdrops")
