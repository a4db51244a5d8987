"""When things are done, and in which order: the recipe of a night, its Prefect flow, and the acts of people."""
