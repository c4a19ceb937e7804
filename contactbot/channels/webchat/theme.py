"""A municipality's two colours turned into a set that anybody can read, in light and in dark. Pure.

Contrast is that of WCAG 2.2: 4.5 to 1 for text (criterion 1.4.3).
"""

import colorsys
from collections.abc import Mapping

TEXT_CONTRAST = 4.5
CALM_CONTRAST = 7.5  # what reads well on dark surfaces, above what is demanded
LIGHT_CANVAS, DARK_SURFACE = "#f3f5f7", "#20272f"  # as in widget.css; the harder of each pair of backgrounds
_WHITE, _BLACK = "#ffffff", "#000000"
_LINEAR_BELOW = 0.04045  # sRGB's linear part (IEC 61966-2-1)

Rgb = tuple[float, float, float]


def stylesheet(brand: str, accent: str) -> str:
    """Return the variables of one municipality as CSS."""
    light, dark = _declarations(light_palette(brand, accent)), _declarations(dark_palette(brand, accent))
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def light_palette(brand: str, accent: str) -> Mapping[str, str]:
    """Return the colours that depend on the municipality, for light pages."""
    return _palette(brand, readable(accent, LIGHT_CANVAS, TEXT_CONTRAST), mix(brand, "#ffffff", 0.12))


def dark_palette(brand: str, accent: str) -> Mapping[str, str]:
    """Return the colours that depend on the municipality, for dark pages."""
    return _palette(
        mix(brand, "#10151b", 0.72), readable(accent, DARK_SURFACE, CALM_CONTRAST), mix(brand, "#222a33", 0.45)
    )


def _palette(brand: str, accent: str, own: str) -> Mapping[str, str]:
    return {
        "brand": brand,
        "on-brand": ink(brand),
        "accent": accent,
        "on-accent": ink(accent),
        "own": own,
        "on-own": ink(own),
    }


def _declarations(palette: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in palette.items())


def ink(background: str) -> str:
    """Return white or black, whichever reads better on the background; one of them always reaches 4.5 to 1."""
    return max((_WHITE, _BLACK), key=lambda colour: contrast(colour, background))


def readable(colour: str, background: str, least: float) -> str:
    """Make a colour darker, or on dark lighter, in steps of 4 % until it reaches a contrast; the hue stays."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    goal = 0.0 if ink(background) == _BLACK else 1.0
    for step in range(26):
        moved = _hex(colorsys.hls_to_rgb(hue, lightness + (goal - lightness) * step / 25, saturation * (1 - step / 50)))
        if contrast(moved, background) >= least:
            return moved
    return ink(background)


def mix(first: str, second: str, share: float) -> str:
    """Return ``share`` (0 to 1) of the first colour and the rest of the second."""
    pairs = zip(_rgb(first), _rgb(second), strict=True)
    red, green, blue = (a * share + b * (1 - share) for a, b in pairs)
    return _hex((red, green, blue))


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


def _hex(colour: Rgb) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)
