"""Reports have a row for each day of UTC: a test that looks for one row must not begin right before midnight."""
import time

DAY_SECONDS = 86_400


def begin_within_a_day(name, seconds):
    """Where less than so much of this day is left, waits for the next one."""
    left = DAY_SECONDS - time.time() % DAY_SECONDS
    if left < seconds:
        print(f"{name}: the UTC day ends in {left:.0f} s, so this waits for the next one", flush=True)
        time.sleep(left + 1)
