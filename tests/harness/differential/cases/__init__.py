"""What both servers are asked, a file for each noun."""
