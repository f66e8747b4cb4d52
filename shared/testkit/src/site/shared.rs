//! One NATS for all tests of a program, each in a namespace of its own. It ends with the process.

use std::sync::{LazyLock, mpsc};

use sagaline_broker::nats::Installation;

use super::Nats;

/// Where it is, and what an installation on it is like.
pub struct Shared {
    pub url: String,
    pub replicas: usize,
}

impl Shared {
    /// So small that one NATS has room for that of every test.
    pub fn installation(&self) -> Installation {
        Installation { replicas: self.replicas, size_factor: 0.01, ..Installation::default() }
    }
}

/// The one of this program; the first who asks starts it.
pub fn shared() -> &'static Shared {
    static SHARED: LazyLock<Shared> = LazyLock::new(|| {
        let (sender, started) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let nats = Nats::start("shared").await;
                let shared = Shared { url: nats.url(), replicas: nats.replicas() };
                sender.send(shared).expect("somebody waits for it");
                std::future::pending::<()>().await;
            });
        });
        started.recv().expect("it starts")
    });
    &SHARED
}
