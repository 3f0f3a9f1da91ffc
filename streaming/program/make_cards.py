"""Draw the cards that the slates show. Run by hand when a text changes; needs a CJK font on the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

CARDS = {
    "lost": ("信号中断，马上回来", "Signal lost. We will be right back."),
    "cut": ("直播暂停，请稍候", "The broadcast is paused. Please wait."),
    "soon": ("直播即将开始", "The broadcast begins soon."),
}
SIZE = (1920, 1080)
BACKGROUND, TEXT, FAINT, LINE = (24, 28, 36), (245, 246, 248), (168, 174, 186), (70, 120, 200)


def font(size: int) -> ImageFont.FreeTypeFont:
    found = subprocess.run(
        ["fc-match", "-f", "%{file}", "Noto Sans CJK SC:medium"], capture_output=True, text=True, check=True
    ).stdout
    return ImageFont.truetype(found, size, index=2 if found.endswith(".ttc") else 0)


def draw(chinese: str, english: str) -> Image.Image:
    image = Image.new("RGB", SIZE, BACKGROUND)
    canvas = ImageDraw.Draw(image)
    middle = SIZE[0] // 2
    canvas.text((middle, 490), chinese, font=font(120), fill=TEXT, anchor="mm")
    canvas.rectangle((middle - 60, 590, middle + 60, 596), fill=LINE)
    canvas.text((middle, 670), english, font=font(48), fill=FAINT, anchor="mm")
    return image.quantize(32)


def main(directory: Path) -> None:
    for name, (chinese, english) in CARDS.items():
        draw(chinese, english).save(directory / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "cards")
