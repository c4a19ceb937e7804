"""In service the points of the tests of faults cost nothing, and nobody can watch them."""

import ast

import pytest

from contactbot import failpoints
from contactbot.failpoints import Point
from tests.house.source import modules, place, tree


@pytest.mark.parametrize("point", Point)
def test_a_point_that_nobody_watches_never_waits(point: Point) -> None:
    passing = failpoints.reach(point, "email")
    with pytest.raises(StopIteration):  # it ended at its first step: the event loop was not even asked
        passing.send(None)
    failpoints.touch(point, "email")


def test_nothing_in_the_package_watches_a_point() -> None:
    watching = [
        place(file, node.lineno)
        for file in modules()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute)
        and (node.attr, ast.unparse(node.value)) in {("watch", "failpoints"), ("_watchers", "failpoints")}
    ]
    assert watching == []
