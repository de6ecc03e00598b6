"""What happens between the SDK and the network: repeating requests and resuming streams."""
