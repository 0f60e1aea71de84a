"""One module per subcommand of `ftcheck`: its arguments, and what it does. They know the session and all below it."""
