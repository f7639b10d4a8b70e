"""A TCP proxy that can be cut as a network is: nothing gets through, and nothing is told; then it goes on."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self


class TcpProxy:
    """Forwards a loopback port to another; `cut` and `mend` from any thread."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._open: set[object] = set()
        self.port = 0

    def __enter__(self) -> Self:
        """Listens on `port`."""
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        """No more connections."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self) -> None:
        """Open connections hang, new ones get no answer."""
        self._call(self._whole.clear)

    def mend(self) -> None:
        """What hung goes on."""
        self._call(self._whole.set)

    def _call(self, what: Callable[[], object]) -> None:
        async def called() -> None:
            what()

        self._do(called())

    def _do(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._whole.set()
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # transports close in the loop's next rounds

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back = None
        self._open.add(asyncio.current_task())  # the loop itself holds no task that waits
        try:
            await self._whole.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except (OSError, asyncio.CancelledError):
            pass  # either side is gone, or the test is over
        finally:
            self._open.discard(asyncio.current_task())
            for each in (writer, back):
                if each is not None:
                    each.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                await self._whole.wait()
                target.write(data)
                await target.drain()
        with suppress(OSError, RuntimeError):
            target.write_eof()
