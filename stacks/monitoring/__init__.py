"""What Prometheus and Grafana are told: where to look, and how to show it."""
