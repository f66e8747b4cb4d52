//! Following domain and lifecycle events from their streams, from now on or from earlier, without losing one unsaid.
//!
//! It reads the streams by position, so that after a cut it goes on from where it was. What was removed from a stream before it
//! could be read is told as a loss. Whoever reads slowly is waited for: nothing is dropped for want of room.

mod filter;
mod lanes;
mod source;

use sagaline_broker::ports::Sequence;
use sagaline_events::Envelope;
use sagaline_model::Moment;
use tokio::task::JoinSet;

pub use self::filter::{TailFilter, TailFilterError};
use self::{
    lanes::Lanes,
    source::{Heard, Source},
};
use super::{Client, Error};

/// From where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailFrom {
    Now,
    /// Stored at this moment or later.
    Since(Moment),
    /// So many of the newest, then what comes.
    Last(usize),
}

/// An event as it was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct TailedEvent {
    pub stream: String,
    pub sequence: Sequence,
    /// When it was stored.
    pub time: Moment,
    /// The subject that it was published on.
    pub subject: String,
    /// Of a message that is no CloudEvent only the data.
    pub event: Envelope,
}

/// What comes out of following.
#[derive(Clone, Debug, PartialEq)]
pub enum Tailed {
    Event(Box<TailedEvent>),
    /// Nothing is heard from a stream at this time; it is tried again until it is.
    CutOff {
        stream: String,
        why: String,
    },
    /// It is heard again, and nothing was missed.
    Back {
        stream: String,
    },
    /// These were removed from the stream before they could be read.
    Lost {
        stream: String,
        first: Sequence,
        last: Sequence,
    },
    /// The stream was made anew or has lost its end: it is read from its beginning.
    Anew {
        stream: String,
    },
}

/// Follows until it is dropped.
#[derive(Debug)]
pub struct Tail {
    lanes: Lanes,
    _sources: JoinSet<()>,
}

impl Client {
    /// Follows the events that pass the filter.
    pub async fn tail(&self, filter: &TailFilter, from: TailFrom) -> Result<Tail, Error> {
        let mut sources = vec![];
        for part in filter.parts(self.names()) {
            sources.push(Source::open(self, part, from).await?);
        }
        let mut earlier = vec![];
        if let TailFrom::Last(count) = from {
            for source in &sources {
                earlier.extend(source.last(count).await?);
            }
            earlier.sort_by_key(|event| event.time);
            earlier.drain(..earlier.len().saturating_sub(count));
        }
        let (mut tasks, mut heard) = (JoinSet::new(), vec![]);
        for source in sources {
            let (sender, receiver) = tokio::sync::mpsc::channel(BUFFER);
            tasks.spawn(source.follow(sender));
            heard.push(receiver);
        }
        Ok(Tail { lanes: Lanes::new(earlier, heard), _sources: tasks })
    }
}

/// What is read ahead of each stream while the reader is busy.
const BUFFER: usize = 256;

impl Tail {
    /// What comes next. Of several streams the earlier event comes first, as far as it is known. May be dropped at any point.
    pub async fn next(&mut self) -> Tailed {
        self.lanes.next().await
    }
}
