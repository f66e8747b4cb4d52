//! The ended executions, the last to end first: the stream of the bucket `results`, walked backwards in windows.

use std::collections::VecDeque;

use sagaline_broker::ports::{Bucket, Sequence};
use sagaline_events::record::ExecutionView;

use super::{super::results, Client, Error, ListFilter};

/// How many sequences one window takes in. A narrow filter makes them wider, up to what takes a second or so to read.
const FIRST_WINDOW: u64 = 100;
const LARGEST_WINDOW: u64 = 5_000;
/// Of windows that hold nothing at all: what stood there is gone.
const LARGEST_GAP: u64 = 1_000_000;
/// One request's worth of records.
const PAGE: usize = 250;

pub(super) struct Ended {
    /// What was read and not given yet, the last to end first.
    read: VecDeque<(Sequence, ExecutionView)>,
    /// What is read next ends below this; not known before the first look.
    below: Option<Sequence>,
    /// The first sequence that the stream still has.
    first: Option<Sequence>,
    window: u64,
}

impl Ended {
    pub(super) fn below(below: Option<Sequence>) -> Self {
        Self { read: VecDeque::new(), below, first: None, window: FIRST_WINDOW }
    }

    pub(super) async fn next(
        &mut self,
        client: &Client,
        filter: &ListFilter,
        wanted: usize,
    ) -> Result<Option<(Sequence, ExecutionView)>, Error> {
        self.window = self.window.max((wanted as u64).min(LARGEST_WINDOW));
        while self.read.is_empty() {
            let (first, below) = self.bounds(client).await?;
            if below <= first {
                return Ok(None);
            }
            let from = below.saturating_sub(self.window).max(first);
            let looked_at = self.read_window(client, filter, from, below).await?;
            self.below = Some(from);
            let largest = if looked_at == 0 { LARGEST_GAP } else { LARGEST_WINDOW };
            self.window = (self.window * 2).min(largest);
        }
        Ok(self.read.pop_front())
    }

    async fn bounds(&mut self, client: &Client) -> Result<(Sequence, Sequence), Error> {
        if let (Some(first), Some(below)) = (self.first, self.below) {
            return Ok((first, below));
        }
        let stream = client.names().bucket_stream(Bucket::Results);
        let info = client.connection.jetstream().get_stream(&stream).await;
        let info = info.map_err(|error| Error::nats(attempt())(error.into()))?;
        let state = &info.cached_info().state;
        let head = state.last_sequence + 1;
        let (first, below) = (state.first_sequence.max(1), self.below.map_or(head, |below| below.min(head)));
        (self.first, self.below) = (Some(first), Some(below));
        Ok((first, below))
    }

    /// Takes in what the filter takes of `from..below`; gives how many records there were.
    async fn read_window(
        &mut self,
        client: &Client,
        filter: &ListFilter,
        from: Sequence,
        below: Sequence,
    ) -> Result<usize, Error> {
        let stream = client.names().bucket_stream(Bucket::Results);
        // One token is an execution; what others keep there has more.
        let all = client.names().key(Bucket::Results, "*");
        let mut pages = client.pages(&stream, all, from, attempt()).await?;
        let most = usize::try_from(below - from).unwrap_or(PAGE).min(PAGE);
        let (mut more, mut looked_at) = (0 < pages.count(), 0);
        while more {
            let page = pages.next(most).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending && position.sequence + 1 < below);
            for (position, message) in page.iter().filter(|(position, _)| position.sequence < below) {
                looked_at += 1;
                // What cannot be read is a marker of a removed one.
                let Ok(mut view) = results::read::<ExecutionView>(&message.payload) else { continue };
                if filter.takes(&view) {
                    // A list is an overview, and outputs may be large.
                    view.output = serde_json::Value::Null;
                    view.steps = vec![];
                    view.undo = vec![];
                    self.read.push_front((position.sequence, view));
                }
            }
        }
        pages.close().await;
        Ok(looked_at)
    }
}

fn attempt() -> String {
    "read the bucket `results`".to_owned()
}
