"""Documents: added many at once, read at their pages, and answers that stand on them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from chat_app.search.embedder import LOCAL
from tests import files
from tests.browser import Chat, findings, until_seen
from tests.server import Server
from tests.upstream import Script, Upstream

LEASE = files.pdf(
    "The rent is due on the first day of each month.",
    "The deposit of two rents is paid back within six weeks after the keys were returned.",
    "Dogs and cats are welcome.",
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Iterator[tuple[Server, Upstream]]:
    """A server of its own that finds meaning."""
    upstream = Upstream(["echo", "other"])
    with (
        upstream.serve(),
        Server(
            tmp_path_factory.mktemp("shelf"),
            VLLM_BASE_URL=upstream.url,
            EMBEDDING_MODEL=LOCAL,
            MAX_FILE_BYTES="2000000",
        ) as server,
    ):
        yield server, upstream


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Documents").get_by_role("listitem", name=name, exact=True)


def add(page: Page, *given: tuple[str, bytes | str]) -> None:
    """Choose files on the page of documents."""
    page.locator(".documents input[type=file]").set_input_files(
        [
            {
                "name": name,
                "mimeType": "application/octet-stream",
                "buffer": content.encode() if isinstance(content, str) else content,
            }
            for name, content in given
        ]
    )


def act(page: Page, name: str, action: str) -> None:
    """Do something with a document, by its menu."""
    row(page, name).get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=action, exact=True).click()


def reader(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name=name, exact=True)


@pytest.fixture
def documents(new_page, shelf) -> Iterator[Page]:
    """The page of documents, which a test leaves as empty as it was."""
    server, _ = shelf
    new_page.goto(f"{server.url}/documents")
    expect(new_page.get_by_role("group", name="Collections")).to_be_visible()
    yield new_page
    for kind in ("documents", "collections"):
        told = new_page.request.get(f"{server.url}/api/documents").json()
        for each in told[kind]:
            new_page.request.delete(f"{server.url}/api/{kind}/{each['id']}", headers={"origin": server.url})


def until_ready(page: Page, *names: str) -> None:
    for name in names:
        expect(row(page, name)).to_contain_text("Found by words and by meaning", timeout=60_000)


def test_a_pdf_becomes_an_answer_whose_sources_open_it_at_the_right_page(documents, shelf):
    page, (_, upstream) = documents, shelf
    expect(page.locator(".documents .empty")).to_contain_text("No documents yet")
    assert findings(page) == []
    add(page, ("lease.pdf", LEASE))
    until_ready(page, "lease.pdf")
    expect(row(page, "lease.pdf")).to_contain_text("3 pages · 3 chunks")
    act(page, "lease.pdf", "Ask about it")
    page.wait_for_url("**/new")
    chat = Chat(page)
    expect(chat.button("Documents to answer from: 1 chosen")).to_be_visible()
    upstream.then(Script(["You get it back within six weeks [1], ", "see `list[2]` and [77]."]))
    chat.get("when is the money I left as security returned to me")
    said = upstream.chats[-1].body["messages"][-1]["content"]
    told = said if isinstance(said, str) else "".join(part["text"] for part in said)
    assert 'name="[1] lease.pdf, page 2">\nThe deposit of two rents' in told
    assert told.endswith("when is the money I left as security returned to me")
    answer = chat.answers.last
    cite = answer.get_by_role("button", name="Source 1: lease.pdf, page 2")
    expect(cite).to_have_text("[1]")
    expect(answer.get_by_role("button", name=re.compile("Source"))).to_have_count(
        1
    )  # not of code, nor of a number that is none
    expect(answer).to_contain_text("list[2]")
    expect(answer).to_contain_text("[77]")
    cite.click()
    opened = reader(page, "lease.pdf")
    expect(opened.get_by_role("status")).to_have_text("Page 2 of 3")
    expect(opened.locator("mark")).to_contain_text("The deposit of two rents is paid back within six weeks")
    assert findings(page) == []
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    sources = answer.get_by_role("list", name="Sources").get_by_role("listitem")
    sources.first.locator("summary").click()
    expect(sources.first).to_contain_text("The deposit of two rents")
    sources.first.get_by_role("button", name="Open at page 2").click()
    expect(opened.get_by_role("status")).to_have_text("Page 2 of 3")
    page.keyboard.press("Escape")
    answer.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Details").click()
    details = page.get_by_role("dialog", name="Details of the answer")
    expect(details).to_contain_text(re.compile(r"1 · lease\.pdf · 2 · [\d.]+ · 0\.\d+"))
    page.keyboard.press("Escape")
    page.reload()
    expect(cite).to_be_visible()
    expect(chat.button("Documents to answer from: 1 chosen")).to_be_visible()


def test_many_files_are_added_at_once_and_what_cannot_be_read_says_why_on_its_row(documents):
    page = documents
    good = [(f"note {number}.md", f"# Note {number}\n\nThe number of this note is {number}.") for number in range(8)]
    refused = {
        "locked.pdf": (files.pdf("hidden", password="x"), "The file is protected by a password."),
        "cut.pdf": (files.pdf("hello")[:200], "The file cannot be read: it is damaged or cut off."),
        "empty.txt": (b"", "The file is empty."),
        "scan.pdf": (files.scanned_pdf(), "No words can be read in it: it seems to be a scan."),
        "photo.pdf": (files.image("PNG"), "Pictures and sound have no words to answer from."),
        "bomb.docx": (files.zip_bomb(), "The file takes too much time or memory to read."),
        "large.txt": (b"x" * 2_000_001, "The file is larger than 2 MB."),
        "program.bin": (b"MZ\0\1" * 40, "program.bin is of a kind that cannot be answered from"),
    }
    add(page, *good, *((name, content) for name, (content, _) in refused.items()))
    until_ready(page, *(name for name, _ in good))
    for name, (_, why) in refused.items():
        expect(row(page, name)).to_contain_text(why)
    assert findings(page) == []
    page.reload()
    expect(row(page, "scan.pdf")).to_contain_text("it seems to be a scan")
    row(page, "scan.pdf").get_by_role("button", name="Remove scan.pdf").click()
    expect(row(page, "scan.pdf")).to_have_count(0)
    row(page, "locked.pdf").get_by_role("button", name="Remove locked.pdf").click()
    expect(row(page, "locked.pdf")).to_have_count(0)
    add(page, ("locked.pdf", files.pdf("not locked any more")))
    until_ready(page, "locked.pdf")


@pytest.mark.breaks
def test_a_file_on_its_way_can_be_cancelled_and_is_tried_again_where_the_server_cannot_be_reached(documents):
    page = documents
    page.clock.install()
    held = []
    page.route("**/api/documents?name=*", lambda route: held.append(route))
    add(page, ("slow.txt", "Slow words."))
    expect(row(page, "slow.txt").get_by_role("progressbar")).to_be_visible()
    row(page, "slow.txt").get_by_role("button", name="Cancel slow.txt").click()
    expect(row(page, "slow.txt")).to_have_count(0)
    page.unroute("**/api/documents?name=*")
    page.route("**/api/documents?name=*", lambda route: route.abort())
    add(page, ("lost.txt", "Lost words."))
    until_seen(page, lambda: (page.clock.run_for(6000), row(page, "lost.txt").get_by_role("alert").count())[1])
    expect(row(page, "lost.txt").get_by_role("alert")).to_contain_text("server")
    page.unroute("**/api/documents?name=*")
    row(page, "lost.txt").get_by_role("button", name="Try lost.txt again").click()
    until_seen(page, lambda: (page.clock.run_for(2000), row(page, "lost.txt").get_by_text("Found by words").count())[1])


@pytest.mark.breaks
def test_collections_keep_documents_together_and_a_conversation_answers_from_all_of_one(documents, shelf):
    page, (server, upstream) = documents, shelf
    add(page, ("cats.txt", "Cats purr when they are content."))
    until_ready(page, "cats.txt")
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("textbox", name="Name of the collection").fill("Animals")
    page.keyboard.press("Enter")
    group = page.get_by_role("group", name="Collections")
    expect(group.get_by_role("button", name="Animals")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".documents .empty")).to_be_visible()
    add(page, ("dogs.txt", "Dogs wag their tails when they are glad."))
    until_ready(page, "dogs.txt")
    group.get_by_role("button", name="All").click()
    act(page, "cats.txt", "Move to: Animals")
    group.get_by_role("button", name="Animals").click()
    expect(row(page, "cats.txt")).to_be_visible()
    expect(row(page, "dogs.txt")).to_be_visible()
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("textbox", name="Name of the collection").fill("Animals")
    page.keyboard.press("Enter")
    expect(page.locator(".documents").get_by_role("alert")).to_have_text("There is a collection of that name.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Ask about all of them").click()
    page.wait_for_url("**/new")
    chat = Chat(page)
    upstream.then(Script(["They purr [1]."]))
    chat.get("what do cats do when they are content")
    expect(chat.answers.last.get_by_role("list", name="Sources")).to_contain_text("cats.txt")
    page.goto(f"{server.url}/documents")
    group.get_by_role("button", name="Animals").click()
    page.get_by_role("button", name="Delete the collection").click()
    page.get_by_role("button", name="Delete it, keep its documents").click()
    expect(group.get_by_role("button", name="Animals")).to_have_count(0)
    expect(row(page, "dogs.txt")).to_be_visible()


@pytest.mark.breaks
def test_documents_are_chosen_at_the_composer_and_a_deleted_one_is_found_no_more(documents, shelf):
    page, (server, upstream) = documents, shelf
    add(page, ("geese.txt", "Geese fly south in autumn."), ("ducks.txt", "Ducks stay on the pond in winter."))
    until_ready(page, "geese.txt", "ducks.txt")
    page.goto(server.url)
    chat = Chat(page)
    chat.button("Documents to answer from").click()
    chosen = page.get_by_role("region", name="Documents to answer from")
    chosen.get_by_role("checkbox", name="geese.txt").check()
    chosen.get_by_role("checkbox", name="ducks.txt").check()
    assert findings(page) == []
    page.keyboard.press("Escape")
    expect(chat.button("Documents to answer from: 2 chosen")).to_be_focused()
    upstream.then(Script(["South [1]."]), Script(["On the pond [1]."]))
    chat.get("where do geese go in autumn")
    expect(chat.answers.last.get_by_role("list", name="Sources")).to_contain_text("geese.txt")
    where = page.url
    page.goto(f"{server.url}/documents")
    act(page, "geese.txt", "Delete for good")
    row(page, "geese.txt").get_by_role("button", name="Keep").click()
    act(page, "geese.txt", "Delete for good")
    row(page, "geese.txt").get_by_role("button", name="Delete for good").click()
    expect(row(page, "geese.txt")).to_have_count(0)
    page.goto(where)
    expect(chat.answers.last.get_by_role("list", name="Sources")).to_contain_text("geese.txt")  # what it stood on stays
    chat.answers.last.get_by_role("button", name=re.compile("^Source 1")).click()
    expect(reader(page, "geese.txt").get_by_role("alert")).to_have_text("This is not here any more. Reload the page.")
    page.keyboard.press("Escape")
    chat.get("and the ducks in winter, where are they")
    expect(chat.answers.last.get_by_role("list", name="Sources")).to_contain_text("ducks.txt")
    expect(chat.answers.last.get_by_role("list", name="Sources")).not_to_contain_text("geese.txt")
    chat.button("Documents to answer from: 2 chosen").click()
    expect(chosen).to_contain_text("One that was deleted")
    chosen.get_by_role("checkbox", name="One that was deleted").click()
    page.keyboard.press("Escape")
    expect(chat.button("Documents to answer from: 1 chosen")).to_be_visible()
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Search", exact=True)
    dialog.get_by_role("button", name="What", exact=True).click()
    page.get_by_role("option", name="Documents", exact=True).click()
    dialog.get_by_role("textbox", name="Search").fill("geese")
    expect(dialog.get_by_role("option").first).to_contain_text("ducks.txt")
    expect(dialog.get_by_role("option").filter(has_text="geese.txt")).to_have_count(0)


def test_search_finds_documents_and_opens_them_at_the_place(documents, shelf):
    page, _ = documents, shelf
    add(page, ("lease.pdf", LEASE))
    until_ready(page, "lease.pdf")
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Search", exact=True)
    dialog.get_by_role("textbox", name="Search").fill("pets that may live in the flat")
    hit = dialog.get_by_role("option").filter(has_text="Document, page 3")
    expect(hit).to_contain_text("Dogs and cats are welcome.")
    dialog.get_by_role("textbox", name="Search").fill("dogs welcome")
    expect(dialog.get_by_role("option").first).to_contain_text("Document, page 3")
    page.keyboard.press("Enter")
    opened = reader(page, "lease.pdf")
    expect(opened.get_by_role("status")).to_have_text("Page 3 of 3")
    expect(opened.locator("mark")).to_have_text("Dogs and cats are welcome.")
    opened.get_by_role("button", name="Previous").click()
    expect(opened.get_by_role("status")).to_have_text("Page 2 of 3")
    expect(opened.locator("mark")).to_have_count(0)
    opened.get_by_role("checkbox", name="Show chunks").check()
    expect(opened.locator(".chunk-name")).to_have_text("#1")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    dialog.get_by_role("textbox", name="Search").fill("lease.pdf")
    expect(dialog.get_by_role("option").first).to_contain_text("lease.pdf")
    dialog.get_by_role("option").first.click()
    expect(opened.get_by_role("status")).to_have_text("Page 1 of 3")


def test_passages_quotes_documents_with_where_they_are_from(documents, shelf):
    page, (server, _) = documents, shelf
    add(page, ("lease.pdf", LEASE))
    until_ready(page, "lease.pdf")
    page.goto(server.url)
    chat = Chat(page)
    chat.button("Model").click()
    page.get_by_role("option", name=re.compile("^Passages")).click()
    chat.get("when is the deposit of two rents paid back")
    expect(chat.answers.last).to_contain_text("I am a search, not a language model")
    expect(chat.answers.last).to_contain_text("The deposit of two rents is paid back within six weeks")
    chat.answers.last.get_by_role("button", name="Source 1: lease.pdf, page 2").click()
    expect(reader(page, "lease.pdf").get_by_role("status")).to_have_text("Page 2 of 3")


def test_documents_in_chinese_on_a_phone(new_context, documents, shelf):
    server, upstream = shelf
    context = new_context(locale="zh-CN", viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{server.url}/documents")
    add(page, ("合同.txt", "退租时押金应当在六周内退还。租金每月一日支付。"))
    listed = page.locator(".document").filter(has_text="合同.txt")
    expect(listed).to_contain_text("可按词语和语义查找")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    expect(page.get_by_role("link", name="配方")).to_be_in_viewport()
    listed.get_by_role("button", name="合同.txt 的操作").click()
    page.get_by_role("menuitem", name="就此提问").click()
    page.wait_for_url("**/new")
    chat = Chat(page)
    upstream.then(Script(["六周内退还 [1]。"]))
    page.locator("#composer").fill("押金什么时候退还？")
    page.get_by_role("button", name="发送").click()
    chat.expect_status("complete")
    chat.answers.last.get_by_role("button", name="来源 1：合同.txt").click()
    opened = reader(page, "合同.txt")
    expect(opened.locator("mark")).to_contain_text("押金应当在六周内退还")
    box = opened.bounding_box()
    assert box is not None
    assert box["width"] <= 390
    assert findings(page) == []


def test_what_stands_in_a_document_is_words_and_nothing_else(documents):
    page = documents
    hostile = '<img src=x onerror="window.__ran = true"><script>window.__ran = true</script> [1](javascript:alert(1)) quoted words'
    add(page, ('"><img src=x onerror=alert(1)>.txt', hostile))
    name = page.locator(".document .name").first
    expect(page.locator(".document")).to_contain_text("Found by words and by meaning")
    name.click()
    expect(page.locator(".passage-text")).to_have_text(hostile)
    assert page.evaluate("window.__ran") is None
    assert page.locator(".passage-text img, .document img").count() == 0


def test_many_documents_can_be_found_by_their_names(documents: Page):
    names = [f"Notes {number}.txt" for number in range(8)]
    add(documents, *((name, "words") for name in names))
    expect(row(documents, "Notes 7.txt")).to_be_visible()
    expect(documents.get_by_role("searchbox")).to_have_count(0)
    add(documents, ("租房合同.txt", "words"))
    rows = documents.get_by_role("list", name="Documents").get_by_role("listitem")
    expect(rows).to_have_count(9)
    sought = documents.get_by_role("searchbox", name="Find by name")
    sought.fill("合同")
    expect(rows).to_have_count(1)
    sought.fill("3 NOTES")
    expect(rows).to_have_text(re.compile("Notes 3.txt"))
    sought.fill("nothing")
    expect(
        documents.get_by_role("status").filter(has_text="No document here has “nothing” in its name.")
    ).to_be_visible()
    sought.fill("")
    expect(rows).to_have_count(9)
