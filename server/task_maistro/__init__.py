"""Task Maistro: a task-management assistant, the graph the server serves by default."""
