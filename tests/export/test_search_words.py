"""Every part of a run is a word; what is no Chinese or Japanese adds nothing."""

from __future__ import annotations

import pytest

from aliocr.export.search_words import MOST_ANYWHERE, MOST_AT_AN_END, search_words


def test_each_part_of_up_to_five_letters_is_a_word() -> None:
    """Wherever it begins, also where it goes on in the next line."""
    words = set(search_words("增值税电子\n普通发票").split())
    run = "增值税电子普通发票"
    parts = {
        run[start : start + length]
        for length in range(1, MOST_ANYWHERE + 1)
        for start in range(len(run) - length + 1)
    }
    assert words == parts


def test_the_ends_of_a_run_are_words() -> None:
    """Up to sixteen letters; a name stands behind a label."""
    run = "名称深圳市腾讯计算机系统有限公司科技"
    words = set(search_words(run).split())
    lengths = range(MOST_ANYWHERE + 1, MOST_AT_AN_END + 1)
    assert {run[:length] for length in lengths} <= words
    assert {run[-length:] for length in lengths} <= words
    assert max(map(len, words)) == MOST_AT_AN_END == 16 < len(run)


@pytest.mark.parametrize(
    "text", ["", "Total 64.50", "two\nlines", "día 5", "_", "：，。", "한국어 글"]
)
def test_other_texts_need_no_more(text: str) -> None:
    """The tokenizer finds their words."""
    words = search_words(text)
    assert [word for word in words.split() if word.isalnum() and word not in text] == []
    assert len(words) <= len(text)


def test_words_and_numbers_count_as_one_letter() -> None:
    """A part of a number is no word."""
    words = search_words("共ABC公司2024年").split()
    assert {"ABC公司", "2024年", "司2024", "共ABC公司2024", "ABC"} <= set(words)
    assert not {"024年", "C公司", "BC"} & set(words)
    assert {"64.50", "64.50元", "12:30"} <= set(search_words("金额¥64.50元，12:30起").split())
    assert {"INV-2024-081", "码INV-2024-081"} <= set(search_words("号码INV-2024-081").split())
    assert "info@a-b.example" in search_words("邮箱info@a-b.example").split()


def test_the_plain_form_is_there() -> None:
    """Full-width letters and half-width kana as they are typed; invisible letters are not."""
    assert "Total" in search_words("Ｔｏｔａｌ 5").split()
    assert "テスト" in search_words("ﾃｽﾄ").split()
    assert "发票" in search_words("发\u200b票").split()


def test_each_word_is_there_once() -> None:
    """In an order that is the same in each run."""
    words = search_words("发票发票\n发票").split()
    assert len(words) == len(set(words))
    assert words[:2] == ["发", "票"]


@pytest.mark.parametrize("text", ["x", "1.", " ", "\n", "票", "票x", "票 ", "1/"])
def test_a_long_text_takes_no_longer_than_many_short_ones(text: str) -> None:
    """No expression looks at a text again and again; quadratic time would be minutes here."""
    assert len(search_words(text * 100_000)) < 10_000_000
