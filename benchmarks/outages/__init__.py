"""What a release on a Kubernetes cluster does while the cluster is disturbed: `python -m benchmarks.outages`."""
