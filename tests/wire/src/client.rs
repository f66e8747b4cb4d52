//! Starting an execution, ending it, asking about it: the first half of the page, in a few lines each.

use std::{
    io,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    nats::{Header, Nats},
    texts::partition,
};

const WITHIN: Duration = Duration::from_secs(5);
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A client of the installation in namespace `sagaline`.
pub struct Client {
    pub nats: Nats,
    partitions: u32,
}

/// What became of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    Now,
    /// There is an execution of this id already.
    Before,
}

impl Client {
    pub fn connect(address: &str) -> io::Result<Self> {
        let mut nats = Nats::connect(address)?;
        let count = nats.request("$JS.API.DIRECT.GET.KV_partitions.$KV.partitions.count", &[], b"", WITHIN)?;
        let count = count.filter(|answer| answer.status == 0).and_then(|answer| String::from_utf8(answer.payload).ok());
        let partitions = count.and_then(|count| count.parse().ok());
        let partitions = partitions.ok_or_else(|| io::Error::other("there is no installation here"))?;
        Ok(Self { nats, partitions })
    }

    pub fn start(&mut self, execution: &str, workflow: &str, input: &Value) -> io::Result<Started> {
        let subject = format!("sagaline.run.{}.{execution}.start", partition(execution, self.partitions));
        let data = json!({ "workflow": workflow, "input": input });
        let answer = self.input(&subject, "start", &data, &[("Nats-Expected-Last-Subject-Sequence", "0")])?;
        match (&answer["seq"], &answer["error"]["err_code"]) {
            (Value::Number(_), Value::Null) => Ok(Started::Now),
            (_, code) if *code == 10071 => Ok(Started::Before),
            _ => Err(io::Error::other(answer.to_string())),
        }
    }

    /// Sends an input to an execution: `signal`, or `cancel`.
    pub fn send(&mut self, execution: &str, kind: &str, data: &Value) -> io::Result<()> {
        let subject = format!("sagaline.run.{}.{execution}.in", partition(execution, self.partitions));
        let answer = self.input(&subject, kind, data, &[])?;
        if answer["seq"].is_u64() { Ok(()) } else { Err(io::Error::other(answer.to_string())) }
    }

    /// Asks the owner of the execution's partition; nothing if none answers.
    pub fn ask(&mut self, execution: &str, question: &Value) -> io::Result<Option<Value>> {
        let subject = format!("sagaline.ask.{}", partition(execution, self.partitions));
        let answer = self.nats.request(&subject, &[], question.to_string().as_bytes(), WITHIN)?;
        let answer = answer.filter(|answer| answer.status == 0);
        answer.map(|answer| serde_json::from_slice(&answer.payload).map_err(io::Error::other)).transpose()
    }

    fn input(&mut self, subject: &str, kind: &str, data: &Value, more: &[Header<'_>]) -> io::Result<Value> {
        let (kind, id) = (format!("sagaline.input.{kind}.v1"), format!("{subject}/{}", std::process::id()));
        let mut headers = vec![("ce-specversion", "1.0"), ("ce-id", &id), ("ce-source", "/wire"), ("ce-type", &kind)];
        headers.extend(more);
        let deadline = Instant::now() + WITHIN;
        loop {
            let answer = self.nats.request(subject, &headers, data.to_string().as_bytes(), WITHIN)?;
            let answer = answer.ok_or_else(|| io::Error::other(format!("nobody answered on `{subject}`")))?;
            match answer.status {
                // The log is not made yet, or has no leader at the moment: nothing is stored.
                503 if Instant::now() < deadline => std::thread::sleep(AGAIN_AFTER),
                503 => return Err(io::Error::other(format!("no stream takes `{subject}`"))),
                _ => return serde_json::from_slice(&answer.payload).map_err(io::Error::other),
            }
        }
    }
}
