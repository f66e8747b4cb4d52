//! As much of the NATS client protocol as a worker needs: lines and counted bytes over a plain socket.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// A header, by name and value.
pub type Header<'a> = (&'a str, &'a str);

/// A message of one of our subscriptions.
#[derive(Debug, Default)]
pub struct Message {
    /// The subscription that it came for.
    pub sid: u64,
    pub subject: String,
    pub reply: String,
    /// What the server itself says: 100 is a heartbeat, 408 the end of a request, 503 that nobody listens. 0: a real message.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub payload: Vec<u8>,
}

impl Message {
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }
}

/// A connection. Losing it is an error of whatever is done next; then it is of no more use.
pub struct Nats {
    socket: TcpStream,
    /// Received and not read yet.
    buffer: Vec<u8>,
    /// Came while an answer was waited for.
    waiting: VecDeque<Message>,
    inbox: String,
    subscriptions: u64,
    requests: u64,
}

impl Nats {
    /// Connects to `host:port`.
    pub fn connect(address: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let inbox = format!("_INBOX.{:016x}", RandomState::new().hash_one(std::process::id()));
        let (buffer, waiting) = (vec![], VecDeque::new());
        let mut nats = Self { socket, buffer, waiting, inbox, subscriptions: 0, requests: 0 };
        nats.send(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n")?;
        // The first subscription, 1, takes the answers to all requests.
        nats.subscribe(&format!("{}.*", nats.inbox))?;
        Ok(nats)
    }

    /// Listens on a subject; messages that come for it bear the number.
    pub fn subscribe(&mut self, subject: &str) -> io::Result<u64> {
        self.subscriptions += 1;
        self.send(format!("SUB {subject} {}\r\n", self.subscriptions).as_bytes())?;
        Ok(self.subscriptions)
    }

    /// A subject of our own that nobody else listens on.
    pub fn own_subject(&self, name: &str) -> String {
        format!("{}-{name}", self.inbox)
    }

    pub fn publish(&mut self, subject: &str, reply: &str, headers: &[Header<'_>], payload: &[u8]) -> io::Result<()> {
        let mut block = String::new();
        if !headers.is_empty() {
            let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            block = format!("NATS/1.0\r\n{lines}\r\n");
        }
        let total = block.len() + payload.len();
        let line = match headers {
            [] => format!("PUB {subject} {reply} {total}\r\n"),
            _ => format!("HPUB {subject} {reply} {} {total}\r\n", block.len()),
        };
        self.send(&[line.as_bytes(), block.as_bytes(), payload, b"\r\n"].concat())
    }

    /// Publishes and waits for the answer. What comes meanwhile is kept for [`Nats::next`].
    pub fn request(
        &mut self,
        subject: &str,
        headers: &[Header<'_>],
        payload: &[u8],
        within: Duration,
    ) -> io::Result<Option<Message>> {
        self.requests += 1;
        let reply = format!("{}.{}", self.inbox, self.requests);
        self.publish(subject, &reply, headers, payload)?;
        let deadline = Instant::now() + within;
        loop {
            match self.receive(deadline)? {
                Some(answer) if answer.subject == reply => return Ok(Some(answer)),
                // The answer to a request that was given up.
                Some(late) if late.sid == 1 => drop(late),
                Some(other) => self.waiting.push_back(other),
                None => return Ok(None),
            }
        }
    }

    /// The next message of any subscription; nothing if none comes in time.
    pub fn next(&mut self, within: Duration) -> io::Result<Option<Message>> {
        match self.waiting.pop_front() {
            Some(message) => Ok(Some(message)),
            None => self.receive(Instant::now() + within),
        }
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left))?;
            let mut chunk = [0; 64 * 1024];
            match self.socket.read(&mut chunk) {
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "NATS closed the connection")),
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The first whole message in the buffer. Lines that are none are dealt with on the way.
    fn take(&mut self) -> io::Result<Option<Message>> {
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
            let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let bytes = match words[..] {
                ["MSG" | "HMSG", .., total] => total.parse::<usize>().map_err(io::Error::other)? + 2,
                _ => 0,
            };
            if self.buffer.len() < end + 2 + bytes {
                return Ok(None);
            }
            let body: Vec<u8> = self.buffer.drain(..end + 2 + bytes).skip(end + 2).collect();
            match words[..] {
                ["MSG", subject, sid, .., _] => return message(subject, sid, words.get(3..words.len() - 1), 0, body),
                ["HMSG", subject, sid, .., head, _] => {
                    let head = head.parse().map_err(io::Error::other)?;
                    return message(subject, sid, words.get(3..words.len() - 2), head, body);
                }
                ["PING"] => self.send(b"PONG\r\n")?,
                ["-ERR", ..] => return Err(io::Error::other(line)),
                // INFO, PONG, +OK.
                _ => {}
            }
        }
        Ok(None)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }
}

/// `body` is headers, payload and a line end.
fn message(
    subject: &str,
    sid: &str,
    reply: Option<&[&str]>,
    head: usize,
    body: Vec<u8>,
) -> io::Result<Option<Message>> {
    let cut = || io::Error::other("NATS sent a message that is shorter than it says");
    let payload = body.get(head..body.len() - 2).ok_or_else(cut)?.to_vec();
    let text = String::from_utf8_lossy(&body[..head]);
    let mut lines = text.split("\r\n");
    // `NATS/1.0`, or `NATS/1.0 408 Request Timeout`.
    let status = lines.next().unwrap_or_default().split(' ').nth(1).and_then(|status| status.parse().ok());
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    Ok(Some(Message {
        sid: sid.parse().map_err(io::Error::other)?,
        subject: subject.to_owned(),
        reply: reply.and_then(<[&str]>::first).copied().unwrap_or_default().to_owned(),
        status: status.unwrap_or(0),
        headers: lines.filter_map(header).collect(),
        payload,
    }))
}
