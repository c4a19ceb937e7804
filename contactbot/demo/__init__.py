"""A fictional municipality that runs on one machine, with everything it needs to be tried."""
