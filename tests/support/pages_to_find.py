"""Pages in Chinese, English and Japanese, and the words by which they are found, and are not."""

from __future__ import annotations

from collections.abc import Sequence

from aliocr import Region
from aliocr.job.output.result import Read, Result, Unread


def _page(row: int, *lines: str) -> Read:
    regions = (Region(text, 10, 40 * at, 400, 30) for at, text in enumerate(lines))
    return Read(row=row, source=f"{row}.png", text=" ".join(lines), regions=tuple(regions))


PAGES: list[Result] = [
    _page(1, "增值税电子普通发票", "发票号码：01234567", "开票日期：2024年5月12日", "金额64.50元"),
    _page(2, "Total AMOUNT: 64.50 EUR", "Ｔｈａｎｋ you, Café", "INV-2024-081"),
    _page(
        3,
        "收 据",
        "名称北京京东世纪信息技术有限公司",
        "東京タワー",
        "ﾃｽﾄ",
        "第 3 页",
        "编号AB-12/c",
    ),
    Unread(row=4, source="4.png", kind="DownloadError", error="发票"),
]

QUERIES: Sequence[tuple[str, list[int]]] = (
    *[(word, [1]) for word in ("税", "发票", "电子普", "普通发票", "子普通发票")],
    *[(word, [1]) for word in ("增值税电子普通发票", "号码", "票发票", "发票号码：01234567")],
    *[
        (word, [1])
        for word in ("2024年", "5月", "5月12日", "金额64", "金额", "元", "64.50元", "额64.50")
    ],
    *[(word, [2]) for word in ("total", "TOTAL", "amount", "thank", "cafe", "inv-2024-081")],
    *[(word, [3]) for word in ("收据", "据", "タワー", "東京タワ", "テスト", "第3页")],
    *[(word, [3]) for word in ("AB-12/c", "ab", "12/c", "编号", "号AB-12/c")],
    ("北京京东世纪信息技术有限公司", [3]),
    ("京东世纪信息技术有限公司", [3]),
    ("发票 金额", [1]),
    ("发票 收据", []),
    ("AMOUNT eur", [2]),
    ("64.50", [1, 2]),
    ("64.51", []),
    ("售", []),
    ("期票", []),
)
"""What is typed into a search box, and the rows that it finds; all words must be there."""
