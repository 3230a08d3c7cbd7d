"""`python -m demo`: play the story once; with `--stay`, leave all running until Ctrl-C."""

import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from demo.instances import PASSWORD, DemoFailed
from demo.story import Story


def main() -> int:
    """Exit 0 when the story ended as it has to, 1 when not, 130 after Ctrl-C. No process and no file stays behind."""
    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hubinfo-demo-", ignore_cleanup_errors=True) as folder:
        story = Story(Path(folder))
        try:
            _in_a_thread(story.play)
            print(f"\nAll as it has to be, after {time.monotonic() - began:.0f} s.", flush=True)
            if "--stay" in sys.argv[1:]:
                _stay(story)
        except DemoFailed as failed:
            print(f"demo: {failed}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            story.mute()  # whoever is printing at the moment ends the line first
            print("\nstopped", flush=True)
            return 130
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave processes behind
            story.stop()
    return 0


def _in_a_thread(play: Callable[[], None]) -> None:
    """Ctrl-C comes to the main thread: here it cannot break into the start of a process, which nobody would know of then."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            play()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)  # without a limit, a signal that comes just before the wait would not end it
    if failed:
        raise failed[0]


def _stay(story: Story) -> None:
    print(f"All keep running until Ctrl-C. Their boards and /api: user operator, password {PASSWORD}.")
    for instance in story.instances:
        print(f"  {instance.name}  {instance.url}  {instance.roles}")
    threading.Event().wait()


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


sys.exit(main())
