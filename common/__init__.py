"""What every room uses: where things lie, how files are written, and the error a user can act on."""
