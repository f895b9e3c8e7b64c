"""The two that a replay asks, a model or a version of a recipe each, as they were when it began; and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from chat_app.conversations.layers import Layers
from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.sets import branch_of
from chat_app.conversations.trials import Column
from chat_app.errors import BadRequest, ModelUnknown
from chat_app.gateway.estimate import estimate_message, estimate_tokens
from chat_app.gateway.gateway import Gateway
from chat_app.gateway.prices import cost_micros
from chat_app.messages import Json, Parameters, Principal, Usage
from chat_app.parameters import most_tokens
from chat_app.store.prompts import Prompt

_SIDES = 2
_ANSWER_TOKENS = 400
"""How long an answer is taken to be of which nothing is known; a chat model's are between 200 and 600 as a rule."""
_VERDICT_TOKENS, _RUBRIC_TOKENS = 100, 200


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
class Estimate:
    """What a replay will take: calls, tokens, and micro-dollars, as far as prices are known; `unpriced` are not."""

    calls: int
    tokens: int
    cost_micros: int
    unpriced: tuple[str, ...]


class Sides:
    """Makes them, and says what they cost."""

    def __init__(self, layers: Layers, gateway: Gateway) -> None:
        self._layers, self._gateway = layers, gateway

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
        """What it will take, with answers as long as a model may make them, or as they are as a rule.

        Raises:
            ModelUnknown: Nobody serves a model any more.
        """
        judges = [check for check in checks if check.kind == "judge"]
        calls, tokens, cost, unpriced = 0, 0, 0, set[str]()
        for prompt in prompts:
            asks = [(side.model, *self.tokens(side, prompt)) for side in sides]
            said = sum(output for _, _, output in asks)
            asks += [
                (judge.model, said + estimate_tokens(judge.value) + _RUBRIC_TOKENS, _VERDICT_TOKENS)
                for judge in judges
                for _ in range(2)
            ]
            for model, given, made in asks:
                price = await self.price(model, given, made)
                calls, tokens, cost = calls + 1, tokens + given + made, cost + (price or 0)
                if price is None:
                    unpriced.add(model)
        return Estimate(calls, tokens, cost, tuple(sorted(unpriced)))

    def tokens(self, side: Side, prompt: Prompt) -> tuple[int, int]:
        """(tokens in, tokens out) of one answer, as they are expected."""
        given = estimate_tokens(side.system) + sum(map(estimate_message, branch_of(prompt)))
        return given, min(most_tokens(side.parameters) or _ANSWER_TOKENS, _ANSWER_TOKENS)

    async def verdict_price(self, check: Check, answers: Sequence[str]) -> int | None:
        """What one look of a judge at two answers is expected to cost, in micro-dollars; None where that is unknown."""
        given = sum(map(estimate_tokens, answers)) + estimate_tokens(check.value) + _RUBRIC_TOKENS
        return await self.price(check.model, given, _VERDICT_TOKENS)

    async def price(self, model: str, tokens_in: int, tokens_out: int) -> int | None:
        """What so many tokens of a model cost in micro-dollars; None where no price is known, or no such model."""
        try:
            route = await self._gateway.route(model)
        except ModelUnknown:
            return None
        return cost_micros(Usage(tokens_in, tokens_out), route.deployments[0])
