//! Ports of this machine on which nobody listens.

use std::{
    hash::{BuildHasher, RandomState},
    net::TcpListener,
};

use crate::server::Error;

/// Ports that systems do not give to outgoing connections. On one they do, a client that keeps trying to reconnect can
/// be connected to itself, and the server finds its port taken when it comes back.
pub(crate) const RANGE: std::ops::Range<u16> = 16_000..32_000;

/// Where one server listens, over all its restarts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) client: u16,
    /// For questions about itself, over HTTP.
    pub(crate) monitor: Option<u16>,
}

impl Ports {
    /// Free ones, but for the one that was asked for.
    pub(crate) fn choose(client: Option<u16>, monitor: bool) -> Result<Self, Error> {
        let mut free = free(2)?.into_iter();
        let (first, second) = (free.next().ok_or(Error::NoFreePort)?, free.next());
        Ok(Self { client: client.unwrap_or(first), monitor: second.filter(|_| monitor) })
    }
}

/// So many ports of this machine on which nobody listens, each another one. The search begins anywhere, so that processes that search at once do not meet.
pub fn free(count: usize) -> Result<Vec<u16>, Error> {
    let all = RANGE.end - RANGE.start;
    let anywhere = RandomState::new().hash_one(std::process::id()) % u64::from(all);
    let first = u16::try_from(anywhere).expect("less than the count of ports");
    let candidates = (0..all).map(|step| RANGE.start + (first + step) % all);
    let free: Vec<u16> =
        candidates.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).take(count).collect();
    if free.len() < count { Err(Error::NoFreePort) } else { Ok(free) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_are_chosen_together_differ() {
        let mut ports = free(9).expect("nine of many");
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 9);
    }
}
