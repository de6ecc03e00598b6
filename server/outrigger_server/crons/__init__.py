"""Crons: kept for users, and fired when they are due."""
