//! What describes a deployment fits the programs, and runs.

mod compose;
mod dockerfile;
mod kubernetes;
mod run;
