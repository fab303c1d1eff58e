"""`kit chaos`: faults in a topology that runs on this machine, and a count of what came through."""
