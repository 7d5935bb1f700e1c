"""A good client: every writeback has an Idempotency-Key, and is sent again with it until there is an answer."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from tests.chaos.workload import Plan

_PATIENCE_S = 5.0
_LONGEST_WAIT_S = 2.0
_TWICE = 0.03
"""How often a client sends the same again before it has an answer."""


@dataclass
class Clients:
    """Sends plans to whichever API answers, and keeps what was promised."""

    urls: Sequence[str]
    key: str
    rng: random.Random
    accepted: dict[str, str] = field(default_factory=dict)
    """Ref → writeback id, of what was answered with 202."""
    contradicted: list[str] = field(default_factory=list)
    """Refs whose repeated answers named two ids."""
    refused: dict[str, str] = field(default_factory=dict)
    """Ref → what was said, of what was answered with another 4xx: none should be."""
    answers: Counter[str] = field(default_factory=Counter)

    async def send(self, http: httpx.AsyncClient, plan: Plan) -> None:
        """Send until it is answered; now and then twice at the same time."""
        if self.rng.random() < _TWICE:
            await asyncio.gather(self._send(http, plan), self._send(http, plan))
        else:
            await self._send(http, plan)

    async def _send(self, http: httpx.AsyncClient, plan: Plan) -> None:
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Idempotency-Key": f"key-{plan.ref}",
            "Content-Type": "application/json",
        }
        body = json.dumps(plan.body)
        for attempt in range(1_000):
            url = f"{self.rng.choice(self.urls)}/v1/schools/{plan.school}/writebacks"
            try:
                answer = await http.post(url, content=body, headers=headers, timeout=_PATIENCE_S)
            except httpx.HTTPError as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(answer.status_code)] += 1
                if self._is_answered(plan, answer):
                    return
            await asyncio.sleep(min(_LONGEST_WAIT_S, 0.05 * 2**attempt) * self.rng.uniform(0.5, 1.0))
        raise RuntimeError(f"{plan.ref} was never answered")

    def _is_answered(self, plan: Plan, answer: httpx.Response) -> bool:
        if answer.status_code == httpx.codes.ACCEPTED:
            writeback_id: str = answer.json()["id"]
            if self.accepted.setdefault(plan.ref, writeback_id) != writeback_id:
                self.contradicted.append(plan.ref)
            return True
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return False
        self.refused[plan.ref] = answer.text[:600]
        return True
