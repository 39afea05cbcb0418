"""What a request costs: next to others over sockets (`yardstick`), and part by part in one process (`road`)."""
