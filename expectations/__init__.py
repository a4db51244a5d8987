"""May it be published: Great Expectations suites over a candidate, and the gate's own verdict."""
