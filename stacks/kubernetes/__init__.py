"""The cluster's side of a run: its Jobs while it runs, its CronJob when it is scheduled, and the manifests that install all."""
