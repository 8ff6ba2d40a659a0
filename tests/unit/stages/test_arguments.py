"""What every stage does when it is cancelled."""

import signal
import subprocess
import sys

STAGE = """
import sys, time
from etalon.stages.arguments import run
from etalon.storage import replacing

def main():
    with replacing(sys.argv[1]) as temporary:
        temporary.write_text("half")
        print("writing", flush=True)
        time.sleep(60)

run(main)
"""


def test_a_stage_that_is_cancelled_while_it_writes_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", STAGE, str(tmp_path / "table.parquet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stage:
        assert stage.stdout.readline() == "writing\n"
        assert len(list(tmp_path.iterdir())) == 1
        stage.send_signal(signal.SIGTERM)
    assert stage.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())
