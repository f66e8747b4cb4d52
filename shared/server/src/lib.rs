//! Finds, installs, runs and guards a nats-server.
