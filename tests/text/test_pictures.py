"""Pictures as people have them, as an engine found them: the regions of `regions.json`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aliocr.models import Image, Region, Scan

FOUND = json.loads((Path(__file__).parent / "regions.json").read_text(encoding="utf-8"))

MENU = """
Trattoria Luna
menu of the day
Starters
Bruschetta al pomodoro 6.50
Minestrone 5.80
Carpaccio di manzo, rucola, grana 12.00
Pasta
Spaghetti aglio e olio 9.20
Tagliatelle al ragù 11.50
Ravioli di ricotta 12.80
Desserts
Tiramisù 5.50
Panna cotta ai frutti di bosco 5.90
All prices in euro, service included
"""

RECEIPT = """
GREEN GROCER
High Street 9, Leeds
VAT GB 123 4567 89
Bananas 1.2 kg 1.38
Wholemeal bread 1.75
Milk 2 l 1.55
Eggs free range 12 3.10
Cheddar mature 4.25
2 x Tomato soup 1.90
Discount -0.50
Carrier bag 0.30
TOTAL GBP 13.73
Cash 20.00
Change 6.27
14/03/2025 17:42 Till 3 #00821
Thank you!
"""

CV = """
Jane Roe
Gardener
Contact
jane@example.org
+44 117 555 0199
Bath, UK
Languages
English (native)
French (B2)
German (A2)
Skills
Pruning
Hedges
Irrigation
Driving licence
Profile
Gardener with nine years of practice in private and public gardens.
Careful, punctual, used to work in all weathers.
Experience
2019 – today Head gardener, Acme Gardening, Bath
Leads a team of four; plans the work of the season.
2015 – 2019 Gardener, City of Bristol
Parks, playgrounds and street trees.
Education
2014 Diploma in Horticulture, Bath College
"""

TABLE = """
姓名 部门 职位 状态
张三 销售部 经理 在职
李四 财务部 会计 离职
王小五 技术部 工程师 在职
"""

TEXTS = {
    "menu_3deg.jpg": MENU,
    "receipt_3deg.jpg": RECEIPT,
    "cv.png": CV,
    "zh_table.png": TABLE,
    "couplet.png": "恭贺新禧\n万事如意",
    "vert_ja.png": "この日本語の文章は\n複数の列に\n分かれています",
    "vert_poem.png": "春眠不觉晓处处闻啼鸟\n夜来风雨声花落知多少",
}


def _scan(name: str) -> Scan:
    regions = tuple(Region(*values) for values in FOUND[name])
    return Scan(Image(f"https://example.com/{name}"), "", regions)


@pytest.mark.parametrize("name", TEXTS)
def test_the_lines_are_those_that_a_person_reads(name: str) -> None:
    """A price beside its dish, a blank between two cells, the right column of a poem first."""
    lines = _scan(name).lines
    assert [line.text for line in lines] == TEXTS[name].strip().split("\n")
    found = [region for line in lines for region in line.regions]
    assert sorted(map(repr, found)) == sorted(map(repr, _scan(name).regions))


def test_a_caption_over_both_columns_divides_them() -> None:
    """Both columns above it are read before it, and both columns below it after it."""
    lines = _scan("caption.png").lines
    place = next(at for at, line in enumerate(lines) if line.text.startswith("Figure 2."))
    for part in (lines[:place], lines[place + 1 :]):
        sides = [line.regions[0].x > 600 for line in part]
        assert sides == sorted(sides)
        assert {len(line.regions) for line in part[:-1]} == {1}
        tops = [line.regions[0].y for line in part]
        assert sorted(tops[: sides.index(True)]) == tops[: sides.index(True)]
    assert (place, len(lines)) == (20, 41)


def test_two_lines_that_an_engine_took_for_one_are_read_apart() -> None:
    """Where the gutter is as narrow as a blank, and the rest of the page shows it."""
    lines = _scan("paper_gutter24.png").lines
    texts = [line.text for line in lines]
    assert texts[3:6] == [
        "Abstract",
        "then the when over gap rate measured text under which",
        "show larger baseline that trained over between therefore",
    ]
    method = texts.index("3 Method")
    assert texts[method + 1 : method + 3] == [
        "model larger however approach of which columns",
        "network when learning lines improves small of method",
    ]
    assert texts[-2:] == ["1 Work done while visiting.", "3"]
    columns = lines[3:-2]
    assert all(region.w < 560 for line in columns for region in line.regions)
    sides = [line.regions[0].x > 600 for line in columns]
    assert sides == sorted(sides)
    letters = "".join(sorted("".join(texts).replace(" ", "")))
    assert letters == "".join(
        sorted("".join(text for text, *_ in FOUND["paper_gutter24.png"]).replace(" ", ""))
    )


@pytest.mark.engine
@pytest.mark.parametrize("name", ["menu_3deg.jpg", "zh_table.png", "vert_ja.png"])
def test_the_engine_of_today_finds_the_same(name: str) -> None:
    """A photo askew, a table in Chinese, and vertical Japanese, from picture to lines."""
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    from PIL import Image as Pillow

    from aliocr.emulator.engine import RapidOCREngine

    picture = Pillow.open(Path(__file__).parent / "order" / name).convert("RGB")
    regions = [Region(p.text, p.x, p.y, p.w, p.h) for p in RapidOCREngine().recognize(picture)]
    lines = Scan(Image(f"https://example.com/{name}"), "", tuple(regions)).lines
    assert [line.text for line in lines] == TEXTS[name].strip().split("\n")
