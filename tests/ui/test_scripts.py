"""Which language a block is read and set in."""

from tests.ui.node import results

TEXTS = {
    "A B-tree keeps keys sorted.": "",
    "B 树是一种自平衡的树，能够保持数据有序。": "zh-Hans",
    "这段代码调用 `numpy.linalg.svd`，然后返回结果。": "zh-Hans",
    "這個問題與資料庫的索引有關。": "zh-Hant",
    "データベースの索引について説明します。": "ja",
    "東京都": "zh-Hant",
    "데이터베이스 색인을 설명합니다.": "ko",
    "The word 树 means tree, as every student learns.": "",
    "123 + 456 = 579": None,
    "": None,
}


def test_the_script_tells_the_language():
    found = results("scripts.js", "languageOf", *([text] for text in TEXTS))

    assert dict(zip(TEXTS, found, strict=True)) == TEXTS
