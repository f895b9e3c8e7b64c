"""The only JavaScript: each island with its Python wrapper; what they share (words, blocks) lies beside them."""

from __future__ import annotations

from pathlib import Path

import reflex as rx
from reflex.event import no_args_event_spec, passthrough_event_spec
from reflex_base.environment import environment

import chat_app.ui.locales  # noqa: F401 # puts the sentences beside the islands
from chat_app.ui.views import MessageView, ProblemView

_HERE = Path(__file__).parent
_NPM = [
    "streamdown@2.7.1",
    "remend@1.4.0",
    "@streamdown/cjk@1.0.3",
    "@streamdown/math@1.0.3",
    "@streamdown/code@2.0.0",
    "katex@0.16.28",
    "mermaid@12.3.0",
]

PUBLIC = f"$/public/external/{__name__.replace('.', '/')}"
"""Where the built page has these files, without the version that Reflex adds: what two import must be one module."""


def _link_files() -> None:
    """Put them where Reflex's build takes them from. A served page has them; each would cost 0.1 s of its start."""
    if environment.REFLEX_SKIP_COMPILE.get():
        return
    for file in sorted(_HERE.glob("*.js*")):
        link = rx.asset(file.name, shared=True, _stack_level=2)
        if link.importable_path != f"{PUBLIC}/{file.name}":
            raise RuntimeError("Reflex has moved its shared assets: look at PUBLIC again.")


_link_files()


class Island(rx.Component):
    """A React component of ours."""


class MessageBody(Island):
    """A message's words, live or settled."""

    library = f"{PUBLIC}/message_body.jsx"
    tag = "MessageBody"
    lib_dependencies: list[str] = _NPM

    message_id: rx.Var[str]
    role: rx.Var[str]
    status: rx.Var[str]


class RetryButton(Island):
    """Retry, once the wait is over."""

    library = f"{PUBLIC}/retry_button.jsx"
    tag = "RetryButton"

    at: rx.Var[int]
    on_retry: rx.EventHandler[no_args_event_spec]


class ComposerField(Island):
    """The field people write in."""

    library = f"{PUBLIC}/composer_field.jsx"
    tag = "ComposerField"

    conversation_id: rx.Var[str]
    model: rx.Var[str]
    running: rx.Var[list[str]]
    aside: rx.Var[list[str]]
    is_loaded: rx.Var[bool]
    accepted: rx.Var[str]
    limit: rx.Var[int]
    most_files: rx.Var[int]
    longest: rx.Var[int]
    models: rx.Var[list[dict[str, str]]]
    transcriber: rx.Var[dict[str, str]]
    on_pick: rx.EventHandler[passthrough_event_spec(str)]
    on_sent: rx.EventHandler[passthrough_event_spec(str, str)]


class ModelPicker(Island):
    """Who answers next."""

    library = f"{PUBLIC}/model_picker.jsx"
    tag = "ModelPicker"

    known: rx.Var[str]
    items: rx.Var[list[dict[str, str]]]
    names: rx.Var[dict[str, str]]
    on_pick: rx.EventHandler[passthrough_event_spec(str)]


class StartingPoint(Island):
    """A question to begin with."""

    library = f"{PUBLIC}/composer_field.jsx"
    tag = "StartingPoint"

    text: rx.Var[str]


class TranscriptScroller(Island):
    """The one owner of scrolling."""

    library = f"{PUBLIC}/transcript_scroller.jsx"
    tag = "TranscriptScroller"

    conversation_id: rx.Var[str]
    messages: rx.Var[list[MessageView]]
    accepted: rx.Var[str]
    has_more: rx.Var[bool]
    is_loaded: rx.Var[bool]
    on_older: rx.EventHandler[passthrough_event_spec(str)]


class BeforeFirst(Island):
    """What a new conversation shows until its first question is sent."""

    library = f"{PUBLIC}/before_first.jsx"
    tag = "BeforeFirst"


class LiveAnswers(Island):
    """Follows the running answers of the open conversation; its children show when one is slow to start."""

    library = f"{PUBLIC}/live_answers.jsx"
    tag = "LiveAnswers"

    conversation_id: rx.Var[str]
    running: rx.Var[list[str]]
    aside: rx.Var[list[str]]
    resumed: rx.Var[str]
    accepted: rx.Var[str]
    messages: rx.Var[list[MessageView]]
    beside: rx.Var[dict[str, list[MessageView]]]
    problems: rx.Var[dict[str, ProblemView]]
    on_settled: rx.EventHandler[passthrough_event_spec(str)]


class Picker(Island):
    """A button that opens a menu or a listbox."""

    library = f"{PUBLIC}/picker.jsx"
    tag = "Picker"

    label: rx.Var[str]
    list_label: rx.Var[str]
    text: rx.Var[str]
    icon: rx.Var[str]
    items: rx.Var[list[dict[str, str]]]
    selected: rx.Var[str]
    kind: rx.Var[str]
    subject: rx.Var[str]
    on_pick: rx.EventHandler[passthrough_event_spec(str)]


class CopyButton(Island):
    """Copies a message as Markdown and HTML together."""

    library = f"{PUBLIC}/copy_button.jsx"
    tag = "CopyButton"

    message_id: rx.Var[str]


class ReadAloud(Island):
    """Reads a message aloud."""

    library = f"{PUBLIC}/read_aloud.jsx"
    tag = "ReadAloud"

    message_id: rx.Var[str]


class Figures(Island):
    """What an answer took, in tokens and time."""

    library = f"{PUBLIC}/figures.jsx"
    tag = "Figures"

    message_id: rx.Var[str]


class Editable(Island):
    """A message whose words can be edited, and which can be asked for otherwise."""

    library = f"{PUBLIC}/edit_field.jsx"
    tag = "Editable"

    message_id: rx.Var[str]
    role: rx.Var[str]
    model: rx.Var[str]
    speaker: rx.Var[str]
    limit: rx.Var[int]
    accepted: rx.Var[str]


class EditButton(Island):
    """Begins to edit a message."""

    library = f"{PUBLIC}/edit_field.jsx"
    tag = "EditButton"

    message_id: rx.Var[str]


class Renamable(Island):
    """A row of the sidebar whose title can be given anew."""

    library = f"{PUBLIC}/edit_field.jsx"
    tag = "Renamable"

    conversation_id: rx.Var[str]
    title: rx.Var[str]
    label: rx.Var[str]
    on_rename: rx.EventHandler[passthrough_event_spec(str, str)]


class Keys(Island):
    """The page's keys, and word to the server that the page is here."""

    library = f"{PUBLIC}/shell.jsx"
    tag = "Keys"

    on_new: rx.EventHandler[no_args_event_spec]
    on_ready: rx.EventHandler[no_args_event_spec]


class PageTitle(Island):
    """The title of the tab; tells of answers that run and of those that ended unseen."""

    library = f"{PUBLIC}/shell.jsx"
    tag = "PageTitle"

    title: rx.Var[str]
    running: rx.Var[bool]
    unread: rx.Var[bool]
    is_unread_here: rx.Var[bool]
    on_seen: rx.EventHandler[no_args_event_spec]


class Dialog(Island):
    """A modal dialog."""

    library = f"{PUBLIC}/shell.jsx"
    tag = "Dialog"

    is_open: rx.Var[bool]
    label: rx.Var[str]
    on_close: rx.EventHandler[no_args_event_spec]


class LocalDialog(Island):
    """A modal dialog that needs no server; an act of its name opens it."""

    library = f"{PUBLIC}/shell.jsx"
    tag = "LocalDialog"

    name: rx.Var[str]
    label: rx.Var[str]


class Toast(Island):
    """What just happened, with Undo."""

    library = f"{PUBLIC}/shell.jsx"
    tag = "Toast"

    text: rx.Var[str]
    mark: rx.Var[int]
    undo: rx.Var[bool]
    seconds: rx.Var[float]
    on_undo: rx.EventHandler[no_args_event_spec]
    on_gone: rx.EventHandler[no_args_event_spec]


class Notice(Island):
    """Says what failed unforeseen; it has an id, by which `rx.set_value` reaches it."""

    library = f"{PUBLIC}/notice.jsx"
    tag = "Notice"


class Drawer(Island):
    """The sidebar, or on a narrow page a drawer."""

    library = f"{PUBLIC}/drawer.jsx"
    tag = "Drawer"

    path: rx.Var[str]
    label: rx.Var[str]


class DrawerButton(Island):
    """Opens the drawer of a narrow page."""

    library = f"{PUBLIC}/drawer.jsx"
    tag = "DrawerButton"

    label: rx.Var[str]


class Sentinel(Island):
    """Calls when it comes into view."""

    library = f"{PUBLIC}/shell.jsx"
    tag = "Sentinel"

    mark: rx.Var[str]
    on_seen: rx.EventHandler[no_args_event_spec]


class Choice(Island):
    """A choice that belongs to this browser."""

    library = f"{PUBLIC}/preferences.jsx"
    tag = "Choice"

    name: rx.Var[str]


class ExportFiles(Island):
    """What was written here, as files."""

    library = f"{PUBLIC}/preferences.jsx"
    tag = "ExportFiles"


class ImportFile(Island):
    """Imports a file of conversations."""

    library = f"{PUBLIC}/preferences.jsx"
    tag = "ImportFile"


class ApiKeys(Island):
    """Programs' keys: a list, and a form to make one."""

    library = f"{PUBLIC}/api_keys.jsx"
    tag = "ApiKeys"


class Usage(Island):
    """What calls took, by day, model and key."""

    library = f"{PUBLIC}/usage.jsx"
    tag = "Usage"


class Servers(Island):
    """The servers of models, each with a test."""

    library = f"{PUBLIC}/servers.jsx"
    tag = "Servers"


class About(Island):
    """What the installation is, and how it is."""

    library = f"{PUBLIC}/about.jsx"
    tag = "About"


class ClientOnly(Island):
    """Renders its children in the browser alone, not while the page is built."""

    library = f"{PUBLIC}/client_only.jsx"
    tag = "ClientOnly"


class Viewer(Island):
    """Pictures as large as the window."""

    library = f"{PUBLIC}/viewer.jsx"
    tag = "Viewer"
