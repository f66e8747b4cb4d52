//! What an execution did is taken back: which compensations run, in which order, how often. A witness of their own, beside everything
//! that Sagaline says, has written down when each run of each activity began and ended.

mod help;
mod order;
mod others;
mod shapes;
mod unknown;
mod witness;

pub(crate) use witness::serve;
