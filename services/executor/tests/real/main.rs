//! The executor on a real nats-server: in this process, and as the program that people run.

mod builtin;
mod common;
mod program;
mod slots;
mod web;
