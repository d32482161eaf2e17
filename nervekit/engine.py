"""The papermill engine of the runner: a time limit for the whole notebook, a log, word of each cell and its bars."""

import asyncio
import math
import time
from contextlib import suppress

import psutil
from jupyter_client.utils import ensure_async
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

ENGINE = "nervekit"
# Seconds that a kernel over its time gets to say where it was. An operation of a backend is not interrupted before its end.
LAST_WORDS = 10


class _Engine(Engine):
    @classmethod
    def execute_managed_notebook(
        cls, nb_man, kernel_name, *, log, deadline, on_cell, watch, connection, start_timeout, **_
    ):
        started = nb_man.cell_start

        def cell_start(cell, cell_index=None, **kwargs):
            on_cell(cell_index + 1, len(nb_man.nb.cells))
            return started(cell, cell_index, **kwargs)

        nb_man.cell_start = cell_start
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            stdout_file=log,
            stderr_file=log,
            timeout_func=(lambda cell: max(1, math.ceil(deadline - time.monotonic()))) if deadline else None,
        )
        watch(lambda: getattr(client, "widget_state", {}))
        client.create_kernel_manager()
        client.km.connection_file = str(connection)  # not in /tmp, where it would outlive a run that was killed
        others = _children()
        try:
            client.execute(stdout=log, stderr=log)
        except KeyboardInterrupt:
            _kill(_children() - others)
            raise


class _Client(PapermillNotebookClient):
    """Forgets widgets that were closed, such as the bar of a training that is over, and asks a cell over its time where it is."""

    async def _async_handle_timeout(self, timeout, cell=None):
        await ensure_async(self.km.interrupt_kernel())
        until = time.monotonic() + LAST_WORDS
        while time.monotonic() < until and not any(output["output_type"] == "error" for output in cell.outputs):
            await asyncio.sleep(0.1)
        return await super()._async_handle_timeout(timeout, cell)

    def handle_comm_msg(self, outs, msg, cell_index):
        super().handle_comm_msg(outs, msg, cell_index)
        if msg["msg_type"] == "comm_close":
            self.widget_state.pop(msg["content"]["comm_id"], None)


def _children():
    return set(psutil.Process().children(recursive=True))


def _kill(processes):
    """End the kernel and what it started at once; left alone it would go on for a second, and write files.

    They are looked up as children of this process: interrupted while it starts, the kernel is known to nobody else.
    """
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=5)


papermill_engines.register(ENGINE, _Engine)
