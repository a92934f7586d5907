"""pydantic-ai's loop: an agent with a typed answer. It records nothing and keeps no budget."""

import asyncio
import sys

from blocks import Asked, serve_async
from loops import PROMPT, timed
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Ballot(BaseModel):
    choice: str
    reason: str


async def main(url: str) -> None:
    model = OpenAIChatModel("instant", provider=OpenAIProvider(base_url=url, api_key="none"))
    agent = Agent(model, output_type=NativeOutput(Ballot), instructions="You vote.")

    async def call(number: int) -> None:
        found = await agent.run(PROMPT)
        assert found.output.choice == "A"

    async def block(asked: Asked) -> Asked:
        return await timed(asked, call)

    await serve_async(block)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
