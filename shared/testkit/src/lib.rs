//! What tests are made of: a world to simulate in, and a real NATS to run on.

pub mod sim;
pub mod site;
