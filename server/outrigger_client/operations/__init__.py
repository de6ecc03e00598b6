"""What the clients can do beyond the SDK, written once as steps for both of them."""
