"""The settings and the recipes in Chinese: no journey through them meets a sentence of another language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import files
from tests.browser import Chat
from tests.e2e.test_parameters import Panel
from tests.server import Server

# What stays as it is in every language: names of parameters, of formats, of this application, and of what people wrote.
KNOWN = re.compile(
    r"chat_app|Python|SQLite|MB|kB|GB|JSON|TOML|schema|Enter|Ctrl|API|English|v\d+|\{\{\w+\}\}|\b[a-z]+(_[a-z]+)*\b|https?://\S+|Wei"
)


def _english(page: Page, place: str) -> list[str]:
    """The lines of a place that have three Latin words together, which no name has."""
    lines = page.locator(place).first.inner_text().splitlines()
    return [line for line in lines if re.search(r"[A-Za-z]+ [A-Za-z]+ [A-Za-z]+", KNOWN.sub("", line))]


@pytest.fixture
def page(new_context, clean: Server) -> Page:
    page = new_context(locale="zh-CN").new_page()
    page.goto(f"{clean.url}/recipes")
    expect(page.get_by_role("listitem", name="助手", exact=True)).to_be_visible()
    return page


def _write(page: Page, name: str, prompt: str, note: str = "") -> None:
    form = page.get_by_role("form")
    form.get_by_role("textbox", name="名称", exact=True).fill(name)
    form.get_by_role("textbox", name="system_prompt", exact=True).fill(prompt)
    form.get_by_role("textbox", name="此版本的备注").fill(note)
    form.get_by_role("button", name="保存", exact=True).click()


@pytest.mark.breaks
def test_a_recipe_is_made_refused_changed_compared_restored_published_and_asked_with(
    page: Page, clean: Server, upstream
):
    page.get_by_role("button", name="新建配方").click()
    _write(page, "", "用两句话回答。")
    form = page.get_by_role("form")
    expect(form.get_by_role("alert").first).to_have_text("配方需要一个名称。")
    expect(form.get_by_role("textbox", name="名称", exact=True)).to_be_focused()
    _write(page, "潮汐", "用 {{语气}} 回答。")
    expect(form.get_by_role("alert").first).to_contain_text("没有变量")
    expect(form.get_by_role("textbox", name="system_prompt", exact=True)).to_be_focused()
    _write(page, "潮汐", "用两句话回答。")
    row = page.get_by_role("listitem", name="潮汐", exact=True)
    expect(row).to_be_visible()
    page.get_by_role("button", name="编辑：潮汐").click()
    _write(page, "潮汐", "用一句话回答。", "更短")
    expect(row).to_contain_text("v2")
    page.get_by_role("button", name="历史：潮汐").click()
    version = [page.get_by_role("listitem", name=f"版本 {number}", exact=True) for number in (1, 2, 3)]
    expect(version[1]).to_contain_text("更短")
    version[1].get_by_role("button", name="与 v1 比较").click()
    expect(page.get_by_role("region", name="差异").locator("td")).to_have_text(["用两句话回答。", "用一句话回答。"])
    version[0].get_by_role("button", name="恢复").click()
    expect(version[2]).to_contain_text("恢复了 v1")
    version[2].get_by_role("button", name="与 v2 比较").click()
    page.get_by_role("region", name="差异").get_by_label("旧版本").select_option("1")
    expect(page.get_by_role("region", name="差异")).to_contain_text("两者内容相同。")
    version[1].get_by_role("button", name="发布").click()
    expect(row.locator(".recipe")).to_contain_text("v2 · 已发布 · v3 更新")
    assert _english(page, "main") == []

    page.get_by_role("button", name="用它提问：潮汐").click()
    expect(page.get_by_role("button", name="配方", exact=True)).to_have_text("潮汐 ▾")
    page.get_by_role("textbox", name="消息", exact=True).fill("潮汐是怎么形成的？")
    page.keyboard.press("Enter")
    Chat(page).expect_status("complete")
    assert upstream.chats[0].body["messages"][0] == {"role": "system", "content": "用一句话回答。"}


@pytest.mark.breaks
def test_two_who_save_and_files_that_are_none_are_told_in_chinese(
    new_context, page: Page, clean: Server, tmp_path: Path
):
    page.get_by_role("button", name="新建配方").click()
    _write(page, "潮汐", "一。")
    expect(page.get_by_role("listitem", name="潮汐", exact=True)).to_be_visible()
    other = new_context(locale="zh-CN").new_page()
    other.goto(f"{clean.url}/recipes")
    for each in (page, other):
        each.get_by_role("button", name="编辑：潮汐").click()
    _write(page, "潮汐", "二。")
    expect(page.get_by_role("listitem", name="潮汐", exact=True)).to_contain_text("v2")
    _write(other, "潮汐", "三。")
    form = other.get_by_role("form")
    expect(form.get_by_role("alert")).to_contain_text("其他人已在此期间保存了此配方。 有人 保存了 v2。")
    assert _english(other, "form") == []
    form.get_by_role("button", name="在 v2 之上保存我的版本").click()
    expect(other.get_by_role("listitem", name="潮汐", exact=True)).to_contain_text("v3")

    for content, sentence in (
        ('format = 1\n[[recipes]]\nname = "热"\n[recipes.parameters]\ntemperature = 8.0', "第 1 条（“热”）：temperature：必须在 0 到 2 之间。"),
        ("format = 1\nname = nonsense", "这不是 TOML 文件：第 2 行第 8 列有误。"),
        ('format = 1\n[[recipes]]\nname = "热"\n[recipes.parameters.response_format]\ntype = "json_schema"\n'
         'json_schema = {name = "a", schema = "{\\"type\\": \\"nonsense\\"}"}',
         "第 1 条（“热”）：response_format：这不是 JSON schema：/type 处的 \"nonsense\" 无效。"),
        ('format = 1\n[[recipes]]\nname = "热"', "已添加 1 个配方。"),
    ):  # fmt: skip
        (tmp_path / "recipes.toml").write_text(content)
        page.get_by_label("导入").set_input_files(tmp_path / "recipes.toml")
        expect(page.locator(".recipes > p").first).to_have_text(sentence)


@pytest.mark.breaks
def test_the_settings_are_gone_through_in_chinese(page: Page, clean: Server, tmp_path: Path):
    page.goto(f"{clean.url}/settings")
    expect(page.get_by_role("heading", name="设置", exact=True)).to_be_visible()
    page.get_by_role("group", name="文字大小").get_by_label("大").check()
    page.get_by_label("你的名字").fill("小魏")
    page.get_by_label("你的名字").blur()
    expect(page.locator(".my-name [role=status]")).to_have_text("已保存。")
    keys = page.locator(".api-keys")
    keys.get_by_role("button", name="创建密钥").click()
    expect(keys.get_by_role("alert").first).to_have_text("密钥需要一个名称。")
    for content, sentence in (
        ("nope", "这不是 JSON 文件：第 4 字节处有误。"),
        (
            '{"format": "chat_app.conversations", "version": 1, "conversations": 5}',
            "这不是对话文件：$.conversations 处的内容不符。",
        ),
    ):
        (tmp_path / "file.json").write_text(content)
        page.get_by_label("导入对话").set_input_files(tmp_path / "file.json")
        expect(page.locator(".import").get_by_role("alert")).to_have_text(sentence)
    page.get_by_role("button", name="检查数据库").click()
    expect(page.locator(".about ~ p")).to_have_text(re.compile(r"^数据库完好，读取用时 [\d,]+ 毫秒。$"))
    assert _english(page, "main") == []

    page.goto(f"{clean.url}/models")
    page.get_by_role("button", name="添加服务器").click()
    form = page.get_by_role("form")
    form.get_by_label("地址").fill("http://169.254.169.254/v1")
    form.get_by_role("button", name="测试").click()
    expect(form.get_by_role("status")).to_contain_text("169.254.169.254")
    assert _english(page, "main") == []


def test_the_panel_saves_what_works_in_chinese(page: Page, clean: Server, upstream):
    page.goto(f"{clean.url}/new")
    page.get_by_role("button", name="参数", exact=True).click()
    panel = Panel(page)
    panel.root = page.get_by_role("complementary", name="参数")
    panel.slider("temperature").fill("0.4")
    panel.root.get_by_role("button", name="保存为配方…").click()
    panel.field("名称").fill("温和")
    expect(panel.root.get_by_role("checkbox", name="连同模型 echo")).to_be_checked()
    panel.root.get_by_role("button", name="保存", exact=True).click()
    expect(panel.field("recipe")).to_have_value("温和")
    expect(panel.source("recipe")).to_have_text("v1 · 本对话")
    assert _english(page, "aside.panel") == []


@pytest.mark.breaks
def test_files_are_given_refused_sent_and_accounted_for(page: Page, clean: Server, upstream):
    page.goto(f"{clean.url}/new")
    given = {
        "扫描.pdf": files.scanned_pdf(),
        "坏.jpg": files.image("JPEG")[:3000],
        "两个.png": files.image("PNG") + files.pdf("x"),
    }
    page.locator(".composer input[type=file]").set_input_files(
        [{"name": name, "mimeType": "", "buffer": content} for name, content in given.items()]
    )
    tray = page.get_by_role("list", name="此消息的文件")
    expect(tray.get_by_role("listitem", name="扫描.pdf")).to_contain_text("没有文字的页数：2")
    expect(tray.get_by_role("listitem", name="两个.png")).to_contain_text("合在一起的两个文件")
    expect(tray.get_by_role("listitem", name="坏.jpg").get_by_role("alert")).to_have_text(
        "文件无法读取：已损坏或不完整。"
    )
    page.get_by_role("button", name="移除 坏.jpg").click()
    assert _english(page, ".composer") == []
    page.get_by_role("button", name="发送", exact=True).click()
    expect(page.get_by_role("button", name="打开 两个.png")).to_be_visible()
    page.get_by_role("button", name="更多", exact=True).last.click()
    page.get_by_role("menuitem", name="详情").click()
    details = page.get_by_role("dialog")
    expect(details).to_contain_text("以图片发送的页数扫描.pdf: 2")
    expect(details).to_contain_text("原样发送两个.png (image/png)")
