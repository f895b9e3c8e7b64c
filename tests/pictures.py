"""The pictures of the guide, made anew: `python -m tests.pictures`. They show the built page over a scripted server."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import files
from tests.browser import Chat
from tests.chromium import ARGUMENTS, find
from tests.judged import judge
from tests.server import ROOT, Server
from tests.upstream import Script, Upstream

PICTURES = ROOT / "assets" / "guide"
SAID = {
    "en": ("How do tides come about?", "The Moon pulls the near side of the Earth harder than its middle, and the middle harder than the far side."),
    "zh": ("潮汐是怎么形成的？", "月球对地球近侧的引力比对地心强，对地心的引力又比对远侧强，于是两侧的海水都会隆起。"),
}  # fmt: skip
WORDS = {
    "en": {"panel": "Parameters", "name": "Name", "note": "Note for this version", "history": "History: Tides", "new": "New recipe",
           "compare": "Compare with v1", "said": "asks for tides", "save": "Save", "edit": "Edit: Tides", "recipe": "Tides", "prompt": "Explain in two sentences.",
           "variable": "New variable", "add": "Add", "value": "friendly", "with": "Speak {{tone}}.",
           "longer": "Gravity weakens with distance. The Moon therefore pulls the water on its side of the Earth more than the Earth itself, and the Earth more than the water behind it. Two bulges stay in line with the Moon while the Earth turns below them.", "shorter": "The Moon pulls the water.", "moon": "Moon"},
    "zh": {"panel": "参数", "name": "名称", "note": "此版本的备注", "history": "历史：潮汐", "new": "新建配方",
           "compare": "与 v1 比较", "said": "改为询问潮汐", "save": "保存", "edit": "编辑：潮汐", "recipe": "潮汐", "prompt": "用两句话解释。",
           "variable": "新变量", "add": "添加", "value": "亲切", "with": "用{{tone}}的语气。",
           "longer": "引力随距离减弱。月球对近侧海水的引力大于对地球的引力，对地球的引力又大于对远侧海水的引力。两处隆起始终朝着月球的方向，地球则在它们下面自转。", "shorter": "月球吸引海水。", "moon": "地球"},
}  # fmt: skip


def _dusk() -> bytes:
    """A sea under an evening sky."""
    drawn = Image.linear_gradient("L").resize((640, 480))
    sky = ImageOps.colorize(drawn, "#24304a", "#f0a35e", mid="#b5657a")
    sky.paste("#1d2b3d", (0, 330, 640, 480))
    file = io.BytesIO()
    sky.save(file, "JPEG")
    return file.getvalue()


def _files(page: Page, language: str) -> None:
    names = {"en": ("harbour.jpg", "timetable.pdf"), "zh": ("海港.jpg", "时刻表.pdf")}[language]
    given = zip(names, (_dusk(), files.pdf("07:10", "08:40", "09:55")), strict=True)
    page.locator(".composer input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in given]
    )
    expect(page.locator(".attached.here")).to_have_count(2)
    page.locator("#composer").fill({"en": "When does the next ferry leave?", "zh": "下一班渡轮几点开？"}[language])
    page.mouse.move(0, 0)


def _panel(page: Page, upstream: Upstream, language: str) -> None:
    chat = Chat(page)
    question, answer = SAID[language]
    upstream.title = question
    upstream.then(Script([answer]))
    page.locator("#composer").fill(question)
    page.keyboard.press("Enter")
    chat.expect_status("complete")
    page.keyboard.press("Control+Shift+Period")
    panel = page.get_by_role("complementary", name=WORDS[language]["panel"])
    panel.get_by_role("slider", name="temperature").fill("0.4")
    panel.get_by_role("textbox", name="system_prompt", exact=True).fill(WORDS[language]["prompt"])
    expect(panel.locator(".source").first).to_be_visible()
    page.mouse.move(0, 0)


def _variables(page: Page, language: str) -> None:
    words = WORDS[language]
    panel = page.get_by_role("complementary", name=words["panel"])
    panel.locator(".variables > summary").click()
    panel.get_by_role("textbox", name=words["variable"]).fill("tone")
    panel.get_by_role("button", name=words["add"], exact=True).click()
    panel.get_by_role("textbox", name="{{tone}}").fill(words["value"])
    panel.get_by_role("textbox", name="system_prompt", exact=True).fill(f"{words['prompt']} {words['with']}")
    panel.locator(".new-variable").scroll_into_view_if_needed()
    page.mouse.move(0, 0)


def _recipes(page: Page, language: str) -> None:
    words = WORDS[language]

    def save(prompt: str, note: str) -> None:
        form = page.get_by_role("form")
        form.get_by_role("textbox", name=words["name"], exact=True).fill(words["recipe"])
        form.get_by_role("textbox", name="system_prompt", exact=True).fill(prompt)
        form.get_by_role("textbox", name=words["note"]).fill(note)
        form.get_by_role("button", name=words["save"], exact=True).click()

    page.get_by_role("button", name=words["new"]).click()
    save(f"{{{{date}}}}\n{words['prompt']}", "")
    page.get_by_role("button", name=words["edit"], exact=True).click()
    save(f"{{{{date}}}}\n{words['prompt']}\n{SAID[language][0]}", words["said"])
    page.get_by_role("button", name=words["history"], exact=True).click()
    page.get_by_role("button", name=words["compare"]).first.click()
    expect(page.locator(".differences")).to_be_visible()


def _documents(page: Page, language: str) -> None:
    names = {"en": ("lease.pdf", "house rules.md", "scan.pdf"), "zh": ("租约.pdf", "住户守则.md", "扫描件.pdf")}[
        language
    ]
    words = {"en": "Quiet after ten.", "zh": "十点以后保持安静。"}[language]
    contents = (files.pdf("Rent", "Deposit", "Pets"), words.encode(), files.scanned_pdf())
    for name, content in zip(names, contents, strict=True):
        given = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        page.locator(".documents input[type=file]").set_input_files([given])
        expect(page.locator(".document").filter(has_text=name).locator(".muted, .why").first).to_be_visible()
    expect(page.locator(".document progress, .document .growing")).to_have_count(0)
    page.mouse.move(0, 0)


def _take(browser: Browser, server: Server, upstream: Upstream, language: str, pictures: Path) -> None:
    context = browser.new_context(
        locale={"en": "en-US", "zh": "zh-CN"}[language], viewport={"width": 1280, "height": 720}
    )
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator(".composer .picker").last).to_be_visible()
    _files(page, language)
    page.screenshot(path=pictures / f"files-{language}.png")
    for _ in range(2):
        page.locator(".attached > .icon-only").first.click()
    _panel(page, upstream, language)
    page.screenshot(path=pictures / f"parameters-{language}.png")
    _variables(page, language)
    page.screenshot(path=pictures / f"variables-{language}.png")
    page.goto(f"{server.url}/settings")
    expect(page.locator(".about")).to_be_visible()
    page.screenshot(path=pictures / f"settings-{language}.png")
    page.goto(f"{server.url}/recipes")
    _recipes(page, language)
    page.screenshot(path=pictures / f"recipes-{language}.png")
    page.goto(f"{server.url}/documents")
    _documents(page, language)
    page.screenshot(path=pictures / f"documents-{language}.png")
    page.goto(f"{server.url}/models")
    page.locator(".servers > .button").click()
    form = page.get_by_role("form")
    form.locator("input[type=url]").fill(upstream.url.replace("127.0.0.1", "localhost"))
    form.get_by_role("button").nth(1).click()
    expect(form.get_by_role("status")).to_contain_text("qwen-plus")
    page.screenshot(path=pictures / f"models-{language}.png")
    context.close()


def _judged(browser: Browser, folder: Path, language: str, pictures: Path) -> None:
    judge(folder, language, days=range(1, 29), each=2)
    with Server(folder) as server:
        page = browser.new_page(
            locale={"en": "en-US", "zh": "zh-CN"}[language], viewport={"width": 1280, "height": 720}
        )
        page.goto(f"{server.url}/feedback")
        expect(page.locator(".feedback tbody tr")).to_have_count(4)
        page.screenshot(path=pictures / f"feedback-{language}.png")
        page.close()


def _compared(browser: Browser, folder: Path, language: str, pictures: Path) -> None:
    question, answer = SAID[language]
    with Upstream(["qwen-plus", "qwen-max", "tiny"]).serve() as upstream:
        upstream.title = question
        upstream.of_model = {
            "qwen-plus": Script([answer]),
            "qwen-max": Script([WORDS[language]["longer"]]),
            "tiny": Script([WORDS[language]["shorter"]]),
        }
        with Server(folder, VLLM_BASE_URL=upstream.url) as server:
            page = browser.new_page(
                locale={"en": "en-US", "zh": "zh-CN"}[language], viewport={"width": 1280, "height": 720}
            )
            page.goto(f"{server.url}/new")
            page.locator(".compare-picker button").click()
            page.locator(".compare-panel select").nth(0).select_option("model:qwen-plus")
            page.locator(".compare-panel select").nth(1).select_option("model:qwen-max")
            page.locator(".compare-panel .button").first.click()
            page.locator(".compare-panel select").nth(2).select_option("model:tiny")
            page.keyboard.press("Escape")
            page.locator("#composer").fill(question)
            page.keyboard.press("Enter")
            chat = Chat(page)
            for number in range(3):
                expect(chat.answers.nth(number)).to_have_attribute("data-status", "complete")
            votes = page.locator(".beside-ending [aria-pressed]")
            expect(votes).to_have_count(3)
            votes.nth(1).click()
            expect(page.locator('.beside-ending [aria-pressed="true"]')).to_be_visible()
            page.mouse.move(0, 0)
            page.screenshot(path=pictures / f"compare-{language}.png")
            page.close()
            _replayed(browser, server, language, pictures)


def _replayed(browser: Browser, server: Server, language: str, pictures: Path) -> None:
    question, _ = SAID[language]
    page = browser.new_page(locale={"en": "en-US", "zh": "zh-CN"}[language], viewport={"width": 1280, "height": 900})
    page.goto(f"{server.url}/trials")
    lines = "\n".join(
        json.dumps({"prompt": f"{question} ({n})", "expected": WORDS[language]["moon"]}) for n in range(24)
    )
    file = {"name": f"{WORDS[language]['recipe']}.jsonl", "mimeType": "application/jsonl", "buffer": lines.encode()}
    page.locator(".prompt-sets input[type=file]").set_input_files([file])
    page.locator(".prompt-sets li button").first.click()
    for at in (0, 4):  # what it contains, and its length
        page.locator(".checks .kinds button").nth(at).click()
    page.locator('.check input[type="number"]').nth(1).fill("100")
    page.locator(".checks .primary").click()
    for at, side in enumerate(("model:qwen-max", "model:tiny")):
        page.locator(".replay-form .side").nth(at).locator("select").first.select_option(side)
    page.locator(".replay-form .primary").click()
    expect(page.locator('.report progress[value="48"]')).to_be_visible()
    for at, vote in enumerate((0, 0, 1, 0, 2)):
        page.locator(".votes").nth(at).locator(".tag").nth(vote).click()
    expect(page.locator(".wins li")).to_have_count(2)
    page.locator(".report h2").scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    page.screenshot(path=pictures / f"trials-{language}.png")
    page.close()


def take(pictures: Path) -> None:
    """All of them, into a folder that is there."""
    with (
        Upstream(["qwen-plus"]).serve() as upstream,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        for language in SAID:
            server = Server(Path(folder) / language, VLLM_BASE_URL=upstream.url).start()
            try:
                _take(browser, server, upstream, language, pictures)
            finally:
                server.stop()
            _compared(browser, Path(folder) / f"compared-{language}", language, pictures)
            _judged(browser, Path(folder) / f"judged-{language}", language, pictures)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    take(PICTURES)
