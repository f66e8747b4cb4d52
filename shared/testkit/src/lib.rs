//! What tests are made of: a world to simulate in.

pub mod sim;
