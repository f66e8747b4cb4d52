//! NATS without any client: lines over a socket.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use crate::site::WITHIN;

pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    /// Connects and is greeted.
    pub(crate) fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("nats://")).expect("a connection");
        stream.set_read_timeout(Some(WITHIN)).expect("a limit");
        let mut wire = Self(BufReader::new(stream));
        wire.until("INFO");
        wire.write("CONNECT {\"verbose\":false,\"pedantic\":false}\r\n");
        wire
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).expect("the server reads");
    }

    /// The next line that begins so.
    pub(crate) fn until(&mut self, begin: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).expect("the server answers");
            assert_ne!(read, 0, "the server closed before it sent `{begin}`");
            if line.starts_with(begin) {
                return line.trim_end().to_owned();
            }
        }
    }
}
