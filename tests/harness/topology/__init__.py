"""The processes of docker-compose.yml on loopback, from the shipped files, without an engine."""
