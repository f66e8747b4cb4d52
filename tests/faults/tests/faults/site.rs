//! The whole system, shared by all tests that run at the time: it starts with the first of them and ends with the last.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_nats::{HeaderMap, jetstream::message::StreamMessage};
use sagaline_broker::names::{Names, Stream};
use sagaline_crash::{Nodes, Role, System};
use sagaline_events::record::Status;
use sagaline_model::{ExecutionId, Name, partition_of};
use sagaline_sdk::client::{Client, StartOptions, fresh_id};
use serde_json::json;
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep, timeout},
};

use crate::program::{Folder, Ran, run};

/// Long enough for an orchestrator that was killed to be replaced while builds and other tests have the machine.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// One step that gives back the input, which becomes the output of the execution.
const ECHO: &str = "\
workflow: echo
on: [ { event: faults.echo } ]
steps:
  echo: { activity: echo, input: \"${ workflow.input }\" }
output: \"${ steps.echo.output }\"
";

pub(crate) struct Site {
    pub(crate) client: Client,
    url: String,
    /// All of `REJECTED`, as far as it was read.
    rejected: Mutex<Vec<StreamMessage>>,
    /// Gone once it has ended.
    system: Mutex<Option<System>>,
    /// Everything that is started here lives as long as this, not as long as the test that came first.
    runtime: Runtime,
}

impl Site {
    /// The one that runs, or a new one.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Site>> = Mutex::new(Weak::new());
        let mut shared = lock(&SHARED);
        if let Some(site) = shared.upgrade() {
            return site;
        }
        let site = Arc::new(Self::start());
        *shared = Arc::downgrade(&site);
        site
    }

    fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (system, client) = runtime.block_on(async {
            let name = format!("faults-{}", COUNT.fetch_add(1, Ordering::Relaxed));
            let mut system = System::start(&name, Nodes::of_tests(), vec![]).await;
            for role in [Role::Orchestrator, Role::Executor, Role::Trigger] {
                system.spawn(role);
            }
            system.ready().await;
            let client = Client::connect(&system.nats.url(), "sagaline", "faults").await.expect("a connection");
            (system, client)
        });
        let site = Self {
            client,
            url: system.nats.url(),
            rejected: Mutex::default(),
            system: Mutex::new(Some(system)),
            runtime,
        };
        let folder = Folder::new();
        site.sagaline(&["apply", &folder.file("echo.yaml", ECHO)]).ends_with(0);
        site
    }

    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Runs `sagaline` against this system.
    pub(crate) fn sagaline(&self, arguments: &[&str]) -> Ran {
        run("sagaline", [&["--nats-url", &self.url], arguments].concat())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn names(&self) -> &Names {
        self.client.connection().names()
    }

    /// Kills the orchestrator with -9 and starts another.
    pub(crate) fn replace_orchestrator(&self) {
        let mut system = lock(&self.system);
        system.as_mut().expect("it runs as long as a test has it").kill(Role::Orchestrator);
    }

    pub(crate) fn partitions(&self) -> std::ops::Range<u32> {
        0..self.client.partitions()
    }

    /// No partition has stopped: a fresh execution on each of them completes.
    #[track_caller]
    pub(crate) fn goes_on(&self) {
        for partition in self.partitions() {
            let (id, input) = (id_on(partition, self.client.partitions()), json!({ "partition": partition }));
            let options = StartOptions { id: Some(id.clone()), ..StartOptions::default() };
            let workflow = Name::new("echo").expect("a name");
            let view = self.run(async {
                self.client.start(&workflow, input.clone(), options).await.expect("it is started");
                timeout(WITHIN, self.client.wait(&id)).await
            });
            let view = view.unwrap_or_else(|_| panic!("partition {partition} stands still"));
            let view = view.expect("it is found");
            assert_eq!((view.status, view.output), (Status::Completed, input), "partition {partition}");
        }
    }

    /// Stores a message just as it is given, by whatever client; its place in the stream.
    pub(crate) fn store(&self, subject: &str, headers: &[(&str, &str)], payload: impl Into<Vec<u8>>) -> u64 {
        let payload = payload.into().into();
        let jetstream = self.client.connection().jetstream();
        self.run(async {
            let ack = jetstream.publish_with_headers(subject.to_owned(), header_map(headers), payload).await;
            ack.expect("it is sent").await.unwrap_or_else(|error| panic!("`{subject}` is not stored: {error}")).sequence
        })
    }

    /// What is set aside of the message `sequence` that came on `place`: a stream, or the subject of a task.
    pub(crate) fn rejected(&self, place: &str, sequence: u64) -> Vec<StreamMessage> {
        let of_it = |message: &StreamMessage| {
            let is = |name, value: &str| header(message, name).as_deref() == Some(value);
            is("Sagaline-Sequence", &sequence.to_string())
                && (is("Sagaline-Stream", place) || is("Sagaline-Subject", place))
        };
        let mut kept = lock(&self.rejected);
        self.run(async {
            let stream = self.names().stream(Stream::Rejected);
            let stream = self.client.connection().jetstream().get_stream(stream).await.expect("the stream");
            let read = kept.last().map_or(0, |message| message.sequence);
            for sequence in read + 1..=stream.cached_info().state.last_sequence {
                kept.push(stream.get_raw_message(sequence).await.expect("a message"));
            }
        });
        kept.iter().filter(|message| of_it(message)).cloned().collect()
    }

    /// Waits until it is set aside, and says how, to the letter: the reason, and the payload as it came.
    #[track_caller]
    pub(crate) fn is_rejected(&self, place: &str, sequence: u64, reason: &str, payload: &[u8]) -> StreamMessage {
        self.eventually(&format!("message {sequence} of `{place}` is set aside"), || {
            !self.rejected(place, sequence).is_empty()
        });
        let mut found = self.rejected(place, sequence);
        assert_eq!(found.len(), 1, "message {sequence} of `{place}` is set aside more than once");
        let message = found.remove(0);
        assert_eq!(message.subject.as_str(), self.names().rejected(reason), "{:?}", message.headers);
        assert!(&message.payload[..] == payload, "message {sequence} of `{place}` is not kept as it came");
        let why = header(&message, "Sagaline-Reason").expect("a reason for people");
        assert!(why.split(' ').count() > 3, "`{why}` says too little");
        message
    }

    #[track_caller]
    pub(crate) fn eventually(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + WITHIN;
        while !is_so() {
            assert!(Instant::now() < deadline, "not within {WITHIN:?}: {what}");
            self.run(async { sleep(Duration::from_millis(20)).await });
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let system = lock(&self.system).take();
        // After a failure its folder stays for a look; its processes end in any case.
        if let Some(system) = system.filter(|_| !std::thread::panicking()) {
            self.runtime.block_on(system.end());
        }
    }
}

/// A test that failed leaves the lock poisoned, and what it guards as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, *value);
    }
    map
}

pub(crate) fn header(message: &StreamMessage, name: &str) -> Option<String> {
    message.headers.get(name).map(|value| value.as_str().to_owned())
}

/// A fresh id of this partition.
pub(crate) fn id_on(partition: u32, partitions: u32) -> ExecutionId {
    loop {
        let id = fresh_id();
        if partition_of(id.as_str(), partitions) == partition {
            return id;
        }
    }
}

/// The headers of a CloudEvent of this type.
pub(crate) fn event(kind: &str) -> [(&str, &str); 4] {
    [("ce-specversion", "1.0"), ("ce-id", "bad"), ("ce-source", "/faults"), ("ce-type", kind)]
}
