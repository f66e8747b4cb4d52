//! The JSON of the page that NATS itself reads, given to a real one.
