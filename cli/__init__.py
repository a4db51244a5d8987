"""The command line `jifen`: one module for each group of commands; arguments in, text or JSON out."""
