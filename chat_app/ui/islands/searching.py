"""The islands that find what was said, and what stands in documents."""

from __future__ import annotations

import reflex as rx
from reflex.event import passthrough_event_spec

from chat_app.ui.islands import PUBLIC, Island


class SearchButton(Island):
    """Opens the search."""

    library = f"{PUBLIC}/search.jsx"
    tag = "SearchButton"


class SearchDialog(Island):
    """Search over all that was said."""

    library = f"{PUBLIC}/search.jsx"
    tag = "SearchDialog"

    models: rx.Var[list[dict[str, str]]]


class Documents(Island):
    """The documents that there are, and what can be done with them."""

    library = f"{PUBLIC}/documents.jsx"
    tag = "Documents"


class PassageDialog(Island):
    """A document, opened at a passage."""

    library = f"{PUBLIC}/passage.jsx"
    tag = "PassageDialog"


class DocumentPicker(Island):
    """The documents that the answers of the open conversation are to stand on."""

    library = f"{PUBLIC}/document_picker.jsx"
    tag = "DocumentPicker"

    known: rx.Var[str]
    is_tuned: rx.Var[bool]
    on_pick: rx.EventHandler[passthrough_event_spec(str)]


class Related(Island):
    """Other conversations that speak of the same as the open one."""

    library = f"{PUBLIC}/related.jsx"
    tag = "Related"

    conversation_id: rx.Var[str]


class AskedBefore(Island):
    """That what is being written was asked before."""

    library = f"{PUBLIC}/asked_before.jsx"
    tag = "AskedBefore"
