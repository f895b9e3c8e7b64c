"""The two that a replay asks, a model or a version of a recipe each, as they were when it began; and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from chat_app.conversations.layers import Layers
from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.sets import branch_of
from chat_app.conversations.trials import Column
from chat_app.errors import BadRequest, ModelError
from chat_app.gateway.estimate import estimate_message, estimate_tokens
from chat_app.gateway.gateway import Gateway
from chat_app.gateway.prices import cost_micros
from chat_app.messages import Json, Parameters, Principal, Usage
from chat_app.parameters import most_tokens
from chat_app.store.prompts import Prompt

_SIDES = 2
_ANSWER_TOKENS = 400
"""How long an answer is taken to be of which nothing is known; a chat model's are between 200 and 600 as a rule."""
LOOKS = 2
"""How often a judge looks at a pair: in both orders."""
_VERDICT_TOKENS, _RUBRIC_TOKENS = 300, 200
_MANY = 100_000  # for which a price is asked; above, some vendors have another


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: `recipe` is what the version is called, empty where there is none."""

    model: str
    recipe: str = ""
    recipe_version_id: str | None = None
    system: str = ""
    parameters: Parameters = field(default_factory=dict[str, Json])
    documents: tuple[str, ...] = ()


def decode_sides(text: str) -> tuple[Side, Side]:
    """The two as they are stored."""
    first, second = (Side(**each | {"documents": tuple(each["documents"])}) for each in msgspec.json.decode(text))
    return first, second


@dataclass(frozen=True, slots=True)
class Rate:
    """Micro-dollars for a token in, and for one out."""

    given: float
    made: float

    def of(self, given: int, made: int) -> float:
        """What so many of them cost."""
        return given * self.given + made * self.made


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a replay will take: calls, tokens, and micro-dollars, as far as prices are known; `unpriced` are not."""

    calls: int
    tokens: int
    cost_micros: int
    unpriced: tuple[str, ...]


class Sides:
    """Makes them, and says what they cost.

    Args:
        layers: What is asked beside the words.
        gateway: The door to the models.
        document_tokens: Most tokens of passages that go with a prompt.
    """

    def __init__(self, layers: Layers, gateway: Gateway, document_tokens: int) -> None:
        self._layers, self._gateway, self._document_tokens = layers, gateway, document_tokens

    async def of(self, who: Principal, columns: Sequence[Column], model: str) -> tuple[Side, Side]:
        """Two as they are now.

        Args:
            who: Who asks.
            columns: Which two.
            model: Who answers where neither a column nor its recipe names a model.

        Raises:
            BadRequest: They are not two, or one is a search.
            ModelUnknown: Nobody serves a model.
            RecipeGone: A recipe is not there any more.
        """
        if len(columns) != _SIDES:
            raise BadRequest("A replay has two sides.", detail="sides")
        first, second = [await self._side(who, column, model) for column in columns]
        return first, second

    async def _side(self, who: Principal, column: Column, model: str) -> Side:
        prepared = await self._layers.prepare(who.user_id, None, instead=column.layer)
        asked = prepared.asked
        side = Side(
            prepared.model or model, await self._layers.recipes.called(asked.recipe_version_id),
            asked.recipe_version_id, asked.system, asked.parameters, asked.documents,
        )  # fmt: skip
        if (await self._gateway.route(side.model)).card.is_built_in:
            raise BadRequest("A search answers no prompts.", detail="sides")
        return side

    async def estimate(self, sides: Sequence[Side], prompts: Sequence[Prompt], checks: Sequence[Check]) -> Estimate:
        """What it will take, with answers as long as they are as a rule.

        Raises:
            ModelUnknown: Nobody serves a model any more, or a judge.
        """
        judges = await self.judges(checks)
        rates = {model: await self.rate(model) for model in {*(s.model for s in sides), *(j.model for j in judges)}}
        calls, tokens, cost = await asyncio.to_thread(self._sum, sides, prompts, judges, rates)
        return Estimate(calls, tokens, round(cost), tuple(sorted(model for model, rate in rates.items() if not rate)))

    async def judges(self, checks: Sequence[Check]) -> list[Check]:
        """The checks that need a model.

        Raises:
            ModelUnknown: Nobody serves one of them.
        """
        judges = [check for check in checks if check.kind == "judge"]
        for judge in judges:
            await self._gateway.route(judge.model)
        return judges

    def _sum(
        self,
        sides: Sequence[Side],
        prompts: Sequence[Prompt],
        judges: Sequence[Check],
        rates: Mapping[str, Rate | None],
    ) -> tuple[int, int, float]:
        """(calls, tokens, micro-dollars), which takes seconds for a large set."""
        calls, tokens, cost = 0, 0, 0.0
        for prompt in prompts:
            asked = estimated(prompt)
            asks = [(side.model, *self.tokens(side, asked)) for side in sides]
            said = sum(made for _, _, made in asks)
            for judge in judges:
                asks += [(judge.model, *verdict_tokens(judge, asked + said))] * LOOKS
            for model, given, made in asks:
                rate = rates[model]
                calls, tokens, cost = calls + 1, tokens + given + made, cost + (rate.of(given, made) if rate else 0)
        return calls, tokens, cost

    def tokens(self, side: Side, asked: int) -> tuple[int, int]:
        """(tokens in, tokens out) of one answer to a prompt of so many, as they are expected."""
        passages = self._document_tokens if side.documents else 0
        made = min(most_tokens(side.parameters) or _ANSWER_TOKENS, _ANSWER_TOKENS)
        return estimate_tokens(side.system) + passages + asked, made

    async def rate(self, model: str) -> Rate | None:
        """What a model's tokens cost; None where no price is known, or nobody serves it now."""
        try:
            deployment = (await self._gateway.route(model)).deployments[0]
        except ModelError:
            return None
        given, made = (cost_micros(usage, deployment) for usage in (Usage(_MANY, 0), Usage(0, _MANY)))
        return None if given is None or made is None else Rate(given / _MANY, made / _MANY)


def estimated(prompt: Prompt) -> int:
    """Tokens of a prompt, by the estimate."""
    return sum(map(estimate_message, branch_of(prompt)))


def verdict_tokens(judge: Check, said: int) -> tuple[int, int]:
    """(tokens in, tokens out) of one look of a judge at a prompt and two answers of so many tokens together."""
    return said + estimate_tokens(judge.value) + _RUBRIC_TOKENS, _VERDICT_TOKENS
