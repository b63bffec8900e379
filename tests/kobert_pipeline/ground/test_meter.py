import time

from kobert_pipeline.ground.meter import Meter


def test_the_meter_measures_time_and_memory():
    with Meter() as meter:
        block = bytearray(50 * 2**20)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(0.05)
    assert meter.seconds >= 0.05
    assert meter.peak_mib > 50
