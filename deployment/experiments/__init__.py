"""What an experiment sees of what is deployed: the window of predictions and the traffic."""
