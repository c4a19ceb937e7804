"""The small Markdown of answers, rendered for each kind of reader. Pure.

Editors write paragraphs, lists, emphasis and links. Raw HTML is escaped and unsafe links are dropped by the parser's
``js-default`` preset (markdown-it-py), so what comes out may be shown to residents as it is.
"""

import re
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

_PARSER = MarkdownIt("js-default", {"linkify": False, "html": False})


@lru_cache(maxsize=1024)
def to_html(text: str) -> str:
    """Render as HTML that holds no script, style or raw markup of the author's."""
    return str(_PARSER.render(text)).strip()


@lru_cache(maxsize=1024)
def to_plain(text: str) -> str:
    """Render as plain text: links as ``label (address)``, list items with a dash or their number."""
    blocks = [_block(node, 0) for node in SyntaxTreeNode(_PARSER.parse(text)).children]
    return "\n\n".join(block for block in blocks if block).strip()


def escape(text: str) -> str:
    """Return plain words as Markdown that shows them as they are."""
    return re.sub(r"([\\`*_\[\]<>#!|~&])", r"\\\1", text)


def _block(node: SyntaxTreeNode, depth: int) -> str:
    if node.type == "inline":
        return _inline(node)
    if node.type in ("bullet_list", "ordered_list"):
        return "\n".join(_item(node, index, item, depth) for index, item in enumerate(node.children))
    if node.type in ("fence", "code_block"):
        return node.content.rstrip()
    if node.type == "hr":
        return "---"
    inner = [_block(child, depth) for child in node.children]
    return "\n\n".join(part for part in inner if part)


def _item(parent: SyntaxTreeNode, index: int, item: SyntaxTreeNode, depth: int) -> str:
    start = int(parent.attrs.get("start", 1))
    mark = f"{start + index}." if parent.type == "ordered_list" else "-"
    body = "\n".join(_block(child, depth + 1) for child in item.children)
    return f"{'  ' * depth}{mark} {body}"


def _inline(node: SyntaxTreeNode) -> str:
    return "".join(_span(child) for child in node.children)


def _span(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak" | "hardbreak":
            return "\n"
        case "link":
            return _link(_inline(node), str(node.attrs.get("href", "")))
        case "image":
            return node.content
        case _:
            return _inline(node)


def _link(label: str, address: str) -> str:
    bare = address.removeprefix("mailto:").removeprefix("tel:").removeprefix("https://").rstrip("/")
    return label if label.removeprefix("https://").rstrip("/") == bare else f"{label} ({address})"
