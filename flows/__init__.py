"""When, and in what order: the recipe, its Prefect flow, and the command line."""
