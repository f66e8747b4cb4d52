//! The simulation: the real owner, the real machine and the real task loop, over a modelled log, queue, buckets and clock.
//!
//! Everything runs on one thread, in an order that a seed decides. Every step polls one process once, so a process can die or
//! fall asleep between any two of its awaits; publishes arrive late, twice or never, acks get lost, the broker restarts and
//! forgets what a real one forgets. [`world`] is the broker, [`ports`] and [`tasks`] are how the real code sees it, [`run`] is
//! the loop that breaks things, and what must hold is checked as it happens and at the end.

pub mod both;
pub mod faults;
pub mod limits;
pub mod ports;
pub mod run;
pub mod tasks;
pub mod world;

pub use faults::{Faults, Shape};
pub use run::{Scenario, Tally, Violation, simulate};
pub use world::World;

/// Random numbers from a seed: the same ones everywhere, for ever (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 if `end` is.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.roll() % end as u64) as usize }
    }

    /// True so often in a thousand.
    pub fn chance(&mut self, permille: u32) -> bool {
        self.roll() % 1000 < u64::from(permille)
    }
}
