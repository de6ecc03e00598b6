"""How much servers hold, and what each strategy costs: `outrigger-loadtest capacity`, for docs."""
