"""What the landscape says to an API process that has just died is lost, and harms nobody."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any, cast

import orjson
import pytest
import uvloop

from counterfoil_mocks.workers import Worker


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_one_that_has_died_can_still_be_told(run: Any) -> None:
    async def told() -> bytes:
        ours, theirs = socket.socketpair()
        reader, channel = await asyncio.open_connection(sock=ours)
        worker = Worker(1, cast("Any", None), reader, channel, *os.pipe())
        worker.tell(news=["crm"])
        await asyncio.sleep(0)
        heard = theirs.recv(100)
        theirs.close()
        for _ in range(5):  # the first finds the other end gone, and the channel closes upon that
            worker.tell(news=["crm"])
            await asyncio.sleep(0)
        assert channel.is_closing()
        worker.close()
        return heard

    assert orjson.loads(run(told())) == {"news": ["crm"]}
