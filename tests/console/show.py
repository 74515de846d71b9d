"""Show the console with sample data on loopback: `python -m tests.console.show busy --port 18080`.

Ends by itself after `--seconds`.
"""

import argparse
import threading

from werkzeug.serving import make_server

from tests.console.scenes import ADA, BOB, SCENES, Stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=sorted(SCENES))
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--own", action="store_true", help="as somebody who is no admin")
    chosen = parser.parse_args()
    stage = Stage(SCENES[chosen.scene](), viewer=BOB if chosen.own else ADA)
    server = make_server("127.0.0.1", chosen.port, stage.app(), threaded=True)
    timer = threading.Timer(chosen.seconds, server.shutdown)
    timer.daemon = True
    timer.start()
    server.serve_forever()


if __name__ == "__main__":
    main()
