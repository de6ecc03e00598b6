"""A client for production on langgraph_sdk: repeats what is safe, resumes streams, ends runs.

`from outrigger_client.client import Client`, or `SyncClient` from `outrigger_client.sync_client`.
"""
