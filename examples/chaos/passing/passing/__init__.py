"""The code of the chaos example."""
