"""Many models in the processes of one server: which there are, which are loaded, and how a request comes to its own."""
