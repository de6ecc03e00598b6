"""What tests start and talk to: real processes on free loopback ports."""
