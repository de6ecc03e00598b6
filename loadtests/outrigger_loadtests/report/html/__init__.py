"""`report.html`: the outcome on one page that needs nothing but itself."""
