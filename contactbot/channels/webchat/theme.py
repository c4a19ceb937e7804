"""A municipality's two colours turned into a set that anybody can read, in light and in dark. Pure.

Contrast is that of WCAG 2.2: 4.5 to 1 for text (criterion 1.4.3).
"""

from collections.abc import Mapping

TEXT_CONTRAST = 4.5
LIGHT_SURFACE = "#ffffff"
DARK_SURFACE = "#171c22"
_WHITE, _BLACK = "#ffffff", "#000000"
_LINEAR_BELOW = 0.04045  # sRGB's linear part (IEC 61966-2-1)

Rgb = tuple[float, float, float]


def stylesheet(brand: str, accent: str) -> str:
    """Return the variables of one municipality as CSS."""
    dark = "".join(_declarations(dark_palette(brand, accent)))
    return f":root{{{''.join(_declarations(light_palette(brand, accent)))}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def light_palette(brand: str, accent: str) -> Mapping[str, str]:
    """Return the colours that depend on the municipality, on white."""
    return _palette(brand, readable(accent, "#f3f5f7", _BLACK), mix(brand, LIGHT_SURFACE, 0.12))


def dark_palette(brand: str, accent: str) -> Mapping[str, str]:
    """Return the colours that depend on the municipality, on near black."""
    return _palette(mix(brand, "#10151b", 0.72), readable(accent, "#232a32", _WHITE), mix(brand, "#222a33", 0.45))


def _palette(brand: str, accent: str, own: str) -> Mapping[str, str]:
    return {
        "brand": brand,
        "on-brand": ink(brand),
        "accent": accent,
        "on-accent": ink(accent),
        "own": own,
        "on-own": ink(own),
    }


def _declarations(palette: Mapping[str, str]) -> list[str]:
    return [f"--{name}:{value};" for name, value in palette.items()]


def ink(background: str) -> str:
    """Return white or black, whichever reads better on the background; one of them always reaches 4.5 to 1."""
    return max((_WHITE, _BLACK), key=lambda colour: contrast(colour, background))


def readable(colour: str, background: str, towards: str) -> str:
    """Move a colour towards another in steps of 4 % until it can be read on the background."""
    for step in range(26):
        moved = mix(towards, colour, step / 25)
        if contrast(moved, background) >= TEXT_CONTRAST:
            return moved
    return towards


def mix(first: str, second: str, share: float) -> str:
    """Return ``share`` (0 to 1) of the first colour and the rest of the second."""
    pairs = zip(_rgb(first), _rgb(second), strict=True)
    return "#" + "".join(f"{round(255 * (a * share + b * (1 - share))):02x}" for a, b in pairs)


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= _LINEAR_BELOW else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: str) -> Rgb:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red / 255, green / 255, blue / 255
