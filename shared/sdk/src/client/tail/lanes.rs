//! Several streams into one sequence: the earlier event first, as far as it is known.
//!
//! While a stream is still being caught up with, an event of another waits for it. A stream that has been read to its end, or that
//! is cut off, holds nobody up.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll},
};

use tokio::sync::mpsc::Receiver;

use super::{Heard, Tailed, TailedEvent};

#[derive(Debug)]
pub(super) struct Lanes {
    ready: VecDeque<TailedEvent>,
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    heard: Receiver<Heard>,
    /// The next event of this stream.
    front: Option<Box<TailedEvent>>,
    /// Whatever comes from here on comes as it happens.
    is_level: bool,
}

impl Lanes {
    /// `earlier` comes before anything that is heard.
    pub(super) fn new(earlier: Vec<TailedEvent>, heard: Vec<Receiver<Heard>>) -> Self {
        let lanes = heard.into_iter().map(|heard| Lane { heard, front: None, is_level: false }).collect();
        Self { ready: earlier.into(), lanes }
    }

    pub(super) async fn next(&mut self) -> Tailed {
        if let Some(event) = self.ready.pop_front() {
            return Tailed::Event(Box::new(event));
        }
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Tailed> {
        for lane in &mut self.lanes {
            if let Some(news) = lane.fill(cx) {
                return Poll::Ready(news);
            }
        }
        if !self.lanes.iter().all(|lane| lane.front.is_some() || lane.is_level) {
            return Poll::Pending;
        }
        let fronts = self.lanes.iter_mut().filter(|lane| lane.front.is_some());
        let earliest = fronts.min_by_key(|lane| lane.front.as_ref().map(|event| event.time));
        match earliest.and_then(|lane| lane.front.take()) {
            Some(event) => Poll::Ready(Tailed::Event(event)),
            None => Poll::Pending,
        }
    }
}

impl Lane {
    /// Takes what has come until there is an event; what is no event is told at once.
    fn fill(&mut self, cx: &mut Context<'_>) -> Option<Tailed> {
        while self.front.is_none() {
            match self.heard.poll_recv(cx) {
                Poll::Ready(Some(Heard::Event { event, is_last })) => {
                    (self.front, self.is_level) = (Some(event), is_last);
                }
                Poll::Ready(Some(Heard::Level)) => self.is_level = true,
                Poll::Ready(Some(Heard::News(news))) => {
                    // Nobody waits for a stream that is not heard.
                    self.is_level |= matches!(news, Tailed::CutOff { .. });
                    return Some(news);
                }
                Poll::Ready(None) | Poll::Pending => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use sagaline_events::Envelope;
    use sagaline_model::Moment;
    use tokio::sync::mpsc::{Sender, channel};

    use super::*;

    fn event(millis: i64) -> TailedEvent {
        let event = Envelope::new("1", "/", "t", vec![]);
        let time = Moment::from_millis(millis);
        TailedEvent { stream: "S".into(), sequence: 1, time, subject: String::new(), event }
    }

    fn heard(millis: i64, is_last: bool) -> Heard {
        Heard::Event { event: Box::new(event(millis)), is_last }
    }

    fn two_lanes(earlier: Vec<TailedEvent>) -> (Lanes, [Sender<Heard>; 2]) {
        let (a, heard_a) = channel(10);
        let (b, heard_b) = channel(10);
        (Lanes::new(earlier, vec![heard_a, heard_b]), [a, b])
    }

    /// What comes without waiting.
    fn come(lanes: &mut Lanes) -> Vec<i64> {
        let mut times = vec![];
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(Tailed::Event(event)) = std::pin::pin!(lanes.next()).as_mut().poll(&mut cx) {
            times.push(event.time.as_millis());
        }
        times
    }

    #[tokio::test]
    async fn events_of_two_streams_come_in_the_order_of_their_times() {
        let (mut lanes, [a, b]) = two_lanes(vec![event(1)]);
        for (lane, heard) in [(&a, heard(2, false)), (&a, heard(5, true)), (&b, heard(3, false)), (&b, heard(4, true))]
        {
            lane.send(heard).await.expect("room");
        }
        assert_eq!(come(&mut lanes), [1, 2, 3, 4, 5]);
    }

    #[tokio::test]
    async fn an_event_waits_for_a_stream_that_is_behind_and_for_no_other() {
        let (mut lanes, [a, b]) = two_lanes(vec![]);
        a.send(heard(9, true)).await.expect("room");
        assert_eq!(come(&mut lanes), [0; 0], "the other stream may have something earlier");
        b.send(Heard::Level).await.expect("room");
        assert_eq!(come(&mut lanes), [9]);
    }

    #[tokio::test]
    async fn a_stream_that_is_cut_off_is_told_and_holds_nobody_up() {
        let (mut lanes, [a, b]) = two_lanes(vec![]);
        a.send(heard(9, true)).await.expect("room");
        let news = Tailed::CutOff { stream: "S".into(), why: "no answer".into() };
        b.send(Heard::News(news.clone())).await.expect("room");
        assert_eq!(lanes.next().await, news);
        assert_eq!(come(&mut lanes), [9]);
    }
}
