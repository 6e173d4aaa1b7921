"""How a request is said to the service, and how its reply is read."""
