"""Speech as text: what is said in a recording, kept beside it and asked for once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from weakref import WeakValueDictionary

from chat_app.errors import FileRefused, NotFound
from chat_app.gateway.caller import Caller
from chat_app.gateway.gateway import Gateway
from chat_app.messages import ChatRequest, MediaPart, Message, ModelCard, Principal, storable
from chat_app.store.blobs import AttachmentRecord, BlobStore


class Transcripts:
    """Use cases.

    Args:
        blobs: The files.
        gateway: The door to the models.
        model: Who turns speech into text; empty for the first that is known to do so.
    """

    def __init__(self, blobs: BlobStore, gateway: Gateway, model: str) -> None:
        self._blobs, self._gateway, self._model = blobs, gateway, model
        self._locks = WeakValueDictionary[str, asyncio.Lock]()  # of files that are being turned into text

    def transcriber(self) -> ModelCard | None:
        """Who turns speech into text now; None for nobody."""
        return self._gateway.catalogue.transcriber(self._model)

    async def read(self, user_id: str, attachment_id: str) -> str:
        """What is said in a recording; empty where that was not asked for yet.

        Raises:
            NotFound: There is no such file, or it is someone else's.
        """
        return (await self._blobs.read(user_id, attachment_id)).transcript

    async def make(self, who: Principal, attachment_id: str) -> str:
        """Have it turned into text, unless it was before, and keep that.

        Raises:
            NotFound: There is no such file or it is someone else's, or it is no recording.
            FileRefused: Nothing is said in it, or nobody turns speech into text.
            LimitReached: There is no room for the call now.
            ModelError: The model did not answer.
        """
        async with self._locks.setdefault(attachment_id, asyncio.Lock()):
            record = await self._blobs.read(who.user_id, attachment_id)
            return record.transcript or await self._made(who, record)

    async def _made(self, who: Principal, record: AttachmentRecord) -> str:
        if not record.media_type.startswith("audio/"):
            raise NotFound("There is no sound in this file.")
        sound = self._sound(record)
        if not await asyncio.to_thread(Path(sound.path).is_file):
            raise NotFound("The file is not there any more.")
        card = self.transcriber()
        if card is None:
            raise FileRefused("No server here turns speech into text.", "unheard")
        request = ChatRequest(card.id, (Message("user", (sound,)),), wire="transcriptions", is_whole=True)
        caller = Caller(who.user_id, address=who.address, purpose="transcription")
        text = storable((await self._gateway.transcribe(request, caller)).strip())
        if not text:
            raise FileRefused("No words were heard in the recording.", "silent")
        await self._blobs.keep_transcript(who.user_id, record.id, text)
        return text

    def _sound(self, record: AttachmentRecord) -> MediaPart:
        path, view_type = self._blobs.path_of(record.blob_id), record.facts.view_type
        shown = path.with_suffix(".view") if view_type else path
        return MediaPart("audio", view_type or record.media_type, record.name, str(shown))
