"""What a person thinks of an answer: a thumb, and why; or that it is the best of some."""

from __future__ import annotations

from collections.abc import Sequence

from chat_app.errors import BadRequest, MessageTooLong
from chat_app.messages import Principal, storable
from chat_app.store.feedback import FeedbackStore, Rating, Thumb

TAGS: dict[Thumb, tuple[str, ...]] = {
    "up": ("correct", "clear", "complete", "style"),
    "down": ("wrong", "ignored", "incomplete", "long", "style", "refused", "harmful"),
}
"""The reasons that may be given; the page has a name for each."""
MOST_COMMENT = 2000


class Feedback:
    """Use cases."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store

    async def rate(self, who: Principal, message_id: str, rating: Rating) -> Rating:
        """Note what a person thinks of an answer, instead of what they thought before.

        Returns:
            It, as it is kept.

        Raises:
            BadRequest: A reason is none of those for such a thumb.
            MessageTooLong: More is said than `MOST_COMMENT` characters.
            NotFound: No such answer, or someone else's.
            Conflict: It is still running.
        """
        known = TAGS[rating.thumb]
        if unknown := [tag for tag in rating.tags or () if tag not in known]:
            raise BadRequest(f"`{unknown[0]}` is none of {', '.join(known)}.", detail="tags")
        comment = None if rating.comment is None else storable(rating.comment.strip())
        if comment and len(comment) > MOST_COMMENT:
            raise MessageTooLong(f"A comment may have {MOST_COMMENT:,} characters; this has {len(comment):,}.")
        tags = None if rating.tags is None else tuple(tag for tag in known if tag in rating.tags)
        return await self._store.rate(who.user_id, storable(message_id), Rating(rating.thumb, tags, comment))

    async def withdraw(self, who: Principal, message_id: str) -> None:
        """Forget what they thought of it.

        Raises:
            NotFound: No such answer, or someone else's.
        """
        await self._store.withdraw(who.user_id, storable(message_id))

    async def prefer(self, who: Principal, message_id: str, others: Sequence[str]) -> None:
        """Note that an answer is better than others to its question, instead of what was said of these before.

        Raises:
            BadRequest: It is named among the others, or there are none.
            NotFound: No such answers to one question, or someone else's.
            Conflict: It is still running.
        """
        if not others or message_id in others:
            raise BadRequest("Name the answers that it is better than.", detail="others")
        await self._store.prefer(who.user_id, storable(message_id), list(dict.fromkeys(map(storable, others))))

    async def prefer_none(self, who: Principal, message_id: str) -> None:
        """Forget that it was better.

        Raises:
            NotFound: No such answer, or someone else's.
        """
        await self._store.prefer_none(who.user_id, storable(message_id))
