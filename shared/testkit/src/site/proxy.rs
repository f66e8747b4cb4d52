//! A network that can be made to fail: what a server answers is lost, while what it is told arrives.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::JoinSet,
};

/// Stands between clients and one node.
pub struct Proxy {
    port: u16,
    /// Counts how often answers were made to be lost: connections from before that hear nothing any more.
    muted: Arc<watch::Sender<u32>>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// In front of the node that listens on this port of this machine.
    pub async fn start(node: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let muted = Arc::new(watch::Sender::new(0));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, node, Arc::clone(&muted)));
        Self { port, muted, _accepting: accepting }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From now on nothing that the node says on the connections that there are is heard. New connections are not concerned.
    pub fn lose_answers(&self) {
        self.muted.send_modify(|count| *count += 1);
    }
}

async fn accept(listener: TcpListener, node: u16, muted: Arc<watch::Sender<u32>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let muted = muted.subscribe();
        connections.spawn(async move {
            // A node that is not there hangs up on the client.
            let Ok(server) = TcpStream::connect(("127.0.0.1", node)).await else { return };
            let ((mut says, hears), (answers, mut told)) = (client.into_split(), server.into_split());
            tokio::select! {
                _ = copy(&mut says, &mut told) => {}
                () = pass_answers(answers, hears, muted) => {}
            }
        });
    }
}

async fn pass_answers(mut answers: tcp::OwnedReadHalf, mut hears: tcp::OwnedWriteHalf, muted: watch::Receiver<u32>) {
    let from_here = *muted.borrow();
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = answers.read(&mut bytes).await {
        let lost = *muted.borrow() != from_here;
        if !lost && hears.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
