//! The address that probes and Prometheus ask: one request a connection, every wait and every size limited.
//!
//! It never serves anything but these few pages; the API of Sagaline is the gateway's.

mod answer;
mod head;

use std::{collections::VecDeque, io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::Health;
use answer::Answer;
use head::{Head, LONGEST_HEAD, Malformed};

/// Probes and a few scrapers need a handful. When there are more, the oldest gives way, so that a probe never waits behind clients
/// that only hold on.
const MOST_CONNECTIONS: usize = 64;
/// A probe's whole request is one packet.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// Metrics of a large installation are some hundred kilobytes.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long and how much is still read after the answer, so that closing does not take the answer back (a reset does).
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024;
/// After an accept failed: most often the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, health: Health, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    let mut oldest_first = VecDeque::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                oldest_first.retain(|connection: &tokio::task::AbortHandle| !connection.is_finished());
                if oldest_first.len() >= MOST_CONNECTIONS
                    && let Some(oldest) = oldest_first.pop_front()
                {
                    oldest.abort();
                }
                oldest_first.push_back(connections.spawn(connection(stream, health.clone())));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(mut stream: TcpStream, health: Health) {
    if let Err(error) = exchange(&mut stream, &health).await {
        tracing::debug!(%error, "a client went away");
    }
}

async fn exchange(stream: &mut TcpStream, health: &Health) -> io::Result<()> {
    let bytes = match timeout(HEAD_WITHIN, read_head(stream)).await {
        Ok(received) => match received? {
            Some(Ok(head)) => answer::to(&head, health).into_bytes(head.wants_body()),
            Some(Err(malformed)) => Answer::to_malformed(malformed).into_bytes(true),
            None => return Ok(()),
        },
        Err(_) => Answer::too_slow().into_bytes(true),
    };
    timeout(ANSWER_WITHIN, stream.write_all(&bytes)).await??;
    stream.shutdown().await?;
    linger(stream).await
}

/// The head of the request, or what is wrong with it; nothing if the client closed before it sent any.
async fn read_head(stream: &mut TcpStream) -> io::Result<Option<Result<Head, Malformed>>> {
    let mut received = Vec::with_capacity(1024);
    loop {
        if let Some(parsed) = head::parse(&received) {
            return Ok(Some(parsed));
        }
        let room = (LONGEST_HEAD + 1).saturating_sub(received.len()) as u64;
        if (&mut *stream).take(room).read_buf(&mut received).await? == 0 {
            return Ok((!received.is_empty()).then_some(Err(Malformed::NotHttp)));
        }
    }
}

async fn linger(stream: &mut TcpStream) -> io::Result<()> {
    let (mut left, mut rest) = (LINGER_BYTES, [0; 1024]);
    let drained = async {
        while left > 0 {
            match stream.read(&mut rest).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    };
    // A client that neither closes nor reads has had its answer: that it stays is no error.
    timeout(LINGER, drained).await.unwrap_or(Ok(()))
}
