"""What the package tests share: machines, clients and the report."""
