"""Who waits: albums and clips, which take long, leave room in the queue for visitors with one photo."""

from typing import Any

import gradio.queueing

ALBUM = 'album'  # the concurrency_id of what colours albums and clips
ALBUMS = 8  # that wait; the next one is told to try again


class Queue(gradio.queueing.Queue):
    """Gradio's queue, in which only so many places are for albums and clips."""

    async def push(self, body: Any, request: Any, username: str | None) -> tuple[bool, Any, Any]:
        fn = self.blocks.fns.get(body.fn_index)
        waiting = self.event_queue_per_concurrency_id.get(ALBUM)
        if fn is not None and fn.concurrency_id == ALBUM and waiting is not None and len(waiting.queue) >= ALBUMS:
            return False, f'Queue is full. At most {ALBUMS} albums and clips wait.', 'queue_full'
        return await super().push(body, request, username)
