"""A simulated agency made from nothing but a source file: seeded records, its way of answering, and planned faults."""
