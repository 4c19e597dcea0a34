"""Curves as a picture."""

from xml.etree import ElementTree as ET

from benchmarks.plot import Curve, Panel, picture


def test_a_picture_has_a_line_for_each_curve_within_its_frame() -> None:
    curves = [Curve("a<b", [(0, 0), (60, 5), (120, 10)]), Curve("c", [(0, 3)])]
    root = ET.fromstring(picture("title & more", [Panel("panel", curves), Panel("empty", [])]))  # noqa: S314 - ours
    lines = [each for each in root if each.tag.endswith("polyline")]
    assert len(lines) == 2
    points = [tuple(map(float, point.split(","))) for point in lines[0].attrib["points"].split()]
    assert points == sorted(points)
    assert points[0][1] > points[-1][1]  # up is more
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
